#!/bin/bash -eu
# Builds every fuzz target as OSS-Fuzz and ClusterFuzzLite ask for it. They set SRC, OUT, WORK, CC, CXX, CFLAGS, CXXFLAGS and
# LIB_FUZZING_ENGINE; in OUT each target finds its seeds, its dictionary and its options beside it.
cd "$SRC/c2w"

# The runner has no libraries of ours: they go beside the programs. (An RPATH, unlike a RUNPATH, holds for what they need in turn, too.)
libraries="$(make -s libraries CFLAGS= LDFLAGS=) -Wl,--disable-new-dtags,-rpath,'\$\$ORIGIN/lib'"

make -j"$(nproc)" fuzzers FUZZ_CC="$CC" FUZZ_LINK="${CXX:-$CC} ${CXXFLAGS:-}" FUZZ_FLAGS="$CFLAGS" FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
	PACKAGE_LIBS="$libraries" CFLAGS= LDFLAGS=
make -j"$(nproc)" build/c2w-seeds CC="$CC" CFLAGS= LDFLAGS= # no target: it runs here and now
build/c2w-seeds --dictionary > "$WORK/dictionary"

for source in fuzz/targets/*.c; do
	target=$(basename "$source" .c)
	cp "build/fuzz/target-$target" "$OUT/$target"
	cp "$WORK/dictionary" "$OUT/$target.dict"
	cp "fuzz/targets/$target.options" "$OUT/$target.options"
	rm -f "$OUT/${target}_seed_corpus.zip"
	find "corpus/$target" -type f | zip -q -j -@ "$OUT/${target}_seed_corpus.zip"
done

mkdir -p "$OUT/lib"
ldd build/fuzz/target-* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | grep -Ev '/(libc|libm|libgcc_s|libstdc\+\+)\.so' | sort -u | xargs cp -L -t "$OUT/lib"

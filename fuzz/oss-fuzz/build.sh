#!/bin/bash -eu
# Builds every fuzz target as OSS-Fuzz and ClusterFuzzLite ask for it. They set SRC, OUT, WORK, CC, CXX, CFLAGS, CXXFLAGS and
# LIB_FUZZING_ENGINE; in OUT each target finds its seeds, its dictionary and its options beside it.
cd "$SRC/c2w"

# The runner has no libraries of ours: they go into the program, where there is an archive of them.
libraries=
for library in -levent_core -levent_extra -ljansson -lunistring; do
	archive=$($CC -print-file-name="lib${library#-l}.a")
	[ -f "$archive" ] && libraries+=" $archive" || libraries+=" $library"
done

make -j"$(nproc)" fuzzers FUZZ_CC="$CC" FUZZ_LINK="${CXX:-$CC} ${CXXFLAGS:-}" FUZZ_FLAGS="$CFLAGS" FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
	PACKAGE_LIBS="$libraries -lm" CFLAGS= LDFLAGS=
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

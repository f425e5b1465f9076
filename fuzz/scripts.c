/* The suite's own texts, taken in by the assembler: see scripts.h.
 * For targets only.
 * Constant data. */
#include "fuzz/scripts.h"

#define EMBED(symbol, files) \
	__asm__(".pushsection .rodata\n.global " #symbol "\n" #symbol ":\n" files ".byte 0\n.popsection\n"); \
	extern const char symbol[]
#define TEXT(file) ".incbin \"scenarios/" file "\"\n"

EMBED(fz_library, TEXT("lib.c2w") TEXT("chat/lib.c2w") TEXT("names/lib.c2w") TEXT("reliability/lib.c2w"));

#define SCRIPTS(S) \
	S(fz_script_0, "chat/MSG-01-across-transports.c2w") \
	S(fz_script_1, "chat/MSG-05-two-authors.c2w") \
	S(fz_script_2, "connect/CON-01-errors-before-login.c2w") \
	S(fz_script_3, "connect/CON-05-after-a-change-of-state.c2w") \
	S(fz_script_4, "format/FMT-01-every-kind-of-message.c2w") \
	S(fz_script_5, "format/FMT-05-nobody-else-notices.c2w") \
	S(fz_script_6, "lists/LST-02-same-over-both-transports.c2w") \
	S(fz_script_7, "lists/LST-03-follows-every-move.c2w") \
	S(fz_script_8, "movies/ENT-06-stream.c2w") \
	S(fz_script_9, "movies/ENT-01-one-after-another.c2w") \
	S(fz_script_10, "reliability/REL-04-lost-text.c2w") \
	S(fz_script_11, "reliability/REL-09-wrong-acks-stop-nothing.c2w") \
	S(fz_script_12, "reliability/REL-11-unacked-answered-again.c2w") \
	S(fz_script_13, "reliability/REL-12-goodbye-repeated.c2w") \
	S(fz_script_14, "reliability/REL-14-one-unacked-text.c2w") \
	S(fz_script_15, "transport/TRN-03-cut-anywhere.c2w") \
	S(fz_script_16, "transport/TRN-04-user-changes-transport.c2w") \
	S(fz_script_17, "transport/TRN-05-message-too-long.c2w") \
	S(fz_script_18, "transport/TRN-06-half-close.c2w")

#define SCRIPT_EMBED(symbol, file) EMBED(symbol, TEXT(file));
#define SCRIPT_NAME(symbol, file) symbol,
SCRIPTS(SCRIPT_EMBED)

const char *const fz_scripts[] = { SCRIPTS(SCRIPT_NAME) };
const unsigned fz_script_count = sizeof(fz_scripts) / sizeof(*fz_scripts);

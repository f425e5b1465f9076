/* What the files of a play share: its clients, what is due to them, and the play itself.
 * For fuzz/blackbox_{play,tell,due,texts,lists,gone,send,receive,silence,leave}.c only. */
#ifndef FZ_BLACKBOX_PLAY_INSIDE_H
#define FZ_BLACKBOX_PLAY_INSIDE_H

#include "fuzz/blackbox_play.h"
#include "judge/judge.h"
#include "protocol/frame.h"

enum {
	HONEST = FZ_CAST, PARTIES,  /* the honest client comes behind the cast */
	MAX_EXPECTED = 96, MAX_ASKED = 4, MAX_FENCES = 16, MAX_TAIL = 16,
	MAX_OCTETS = FZ_TIMES * 3 + 1024, KEPT_USER = C2W_MAX_USER + 1
};

static const int64_t FZ_MS = 1000000;

struct fz_party {
	struct fz_play *play;
	unsigned index;
	char user[KEPT_USER];
	char session[KEPT_USER];      /* as CONNECTION_GRANTED says; empty: never */
	char asked[MAX_ASKED][KEPT_USER]; /* what it asked to be called: one of these its session has, if it has one */
	unsigned asked_count;
	bool tcp, open, connected, ended;
	bool holds, deaf, mute, over; /* over: it broke TRN-05, and can do nothing more */
	struct net_udp *udp;
	struct net_tcp *link;
	struct c2w_framer in, out;
	char *buffers;                /* of both framers, TCP */
	struct fz_guess guess;
	char request[MAX_OCTETS];     /* its last one, for `the same` */
	size_t request_length;
	char request_time[C2W_MAX_TIME_TEXT + 1];
	int64_t request_us, request_at;
	bool nonsense;                /* what was sent last is no message */
	bool inside;                  /* over this connection a session was granted, and no LEAVE since */
	bool unsure;                  /* it did not read at times: who knows how long its session lasts */
	bool claimed;                 /* somebody else may have its name */
	int64_t gone_at;              /* a connection of its was ended, or it was given up, and it has not been granted its name since; 0: neither */
	enum c2w_rule gone_by;        /* TRN-06, REL-08 */
	bool hurried;                 /* its latest step was sent, and nothing was waited for */
	bool probing;                 /* what goes out is no step: nothing is due for it */
	struct { char time[C2W_MAX_TIME_TEXT + 1], user[KEPT_USER]; } answers[C2W_FAMILIES]; /* what an ack refers to */
	int64_t held_us, last_us;     /* us: TIME of the answer that is not acked, of whatever came last */
	int64_t acked_us;             /* us: TIME of the text that it acked last; -1: none */
	char acked[KEPT_USER];        /* whose that was */
	enum c2w_command held;
	unsigned held_code;
	bool acked_by_hand;           /* something was, since its last request was first sent */
	int64_t holds_since;
	int64_t unacked_for, silent_for; /* ns waited while holding acks or not reading, and since it sent anything */
	uint64_t event;               /* what it did last, for coverage */
	int64_t moving;               /* us: TIME of its last request that may move it; -1: it was answered */
	int64_t moved;                /* us: TIME of its last request that does move it, as far as is known; -1: it was answered */
	int64_t fence;                /* us: TIME of a fence under way; 0: none */
	bool fenced;                  /* it was answered */
	bool texted;                  /* a text came since it was sent */
	bool last_fence;              /* it goes behind whatever was to be decided */
	int64_t fences[MAX_FENCES];   /* us: all there were, a ring */
	unsigned fence_count;
	unsigned farewells;
};

/* What a user list must say of one of the cast. */
enum fz_listed { FZ_LISTED_ANYHOW, FZ_NOT_LISTED, FZ_LISTED };

struct fz_expected {
	unsigned party;
	struct fz_answer answer;
	unsigned author;              /* C2W_CHAT */
	char *text;                   /* C2W_CHAT, haunted: malloc'd */
	size_t text_length;
	int64_t time;                 /* us: of the request */
	bool forbidden;               /* C2W_CHAT: it must not come */
	bool again;                   /* REL-11, REL-12: a copy of what came before */
	unsigned code;                /* of that */
	bool queued, waits;           /* C2W_CHAT, to who holds acks over UDP: it is not acked; REL-14: it comes once those before are */
	enum fz_listed listed[FZ_CAST]; /* C2W_USER_LIST */
	uint64_t moves;               /* of the play, when it was asked for */
	bool haunted;                 /* who has gone may still be in the way: text is the name, for a login */
	enum c2w_rule haunted_by;     /* C2W_USER_LIST: TRN-06, REL-08 */
	int64_t again_at;             /* it was, and it is asked for again then */
	bool asked, met;              /* asked: it is waited for, and the script says so */
};

enum fz_phase { PLAYING, LEAVING, OVER };

struct fz_play {
	struct fz_play_options options;
	char tail[MAX_TAIL + 1];
	struct jd *jd;
	struct fz_party parties[PARTIES];
	struct fz_expected expected[MAX_EXPECTED];
	unsigned expected_count;
	unsigned step;
	enum fz_phase phase;
	bool pausing, fencing, batch;
	unsigned repeats;             /* of what is awaited, since awaiting_since */
	const struct fz_expected *fencing_for;
	struct net_timer *timer, *finish;
	int64_t awaiting_since, fencing_since;
	int64_t aged_at;              /* until when the time has been counted for who does not ack */
	uint64_t moves;               /* whatever may change who is where */
	int64_t time_last;            /* us */
	struct fz_finding findings[FZ_FINDINGS];
	unsigned finding_count, messages;
	size_t received;
	bool refused, stopped, heard, silent;
	bool loose_text;              /* one was sent, and nobody waited for it: it may come to whoever is in that room by then */
	bool waited;                  /* the script has waited for the latest end of a connection to be noticed */
	int64_t leaving_until;
	int64_t round_trip, text_trip;
};

/* play.c */
bool fz_ready(struct fz_party *party);
void fz_do_send(struct fz_party *party, const struct fz_step *step);
void fz_stop(struct fz_play *play);
void fz_advance(struct fz_play *play);

/* tell.c */
char *fz_escaped(struct c2w_str octets);
void fz_find(struct fz_play *play, enum fz_kind kind, enum c2w_rule rule, const char *what, char *expected, char *got);
const char *fz_name_of(unsigned party);
__attribute__((format(printf, 2, 3))) void fz_say(const struct fz_play *play, const char *format, ...);
void fz_say_step(struct fz_play *play, const struct fz_step *step);
void fz_note(const struct fz_party *party, bool received, struct c2w_str octets);
void fz_seen(const struct fz_party *party, uint64_t answer);
uint64_t fz_event_of(const struct fz_step *step);
uint64_t fz_answer_of(const struct jd_reading *reading);

/* due.c */
void fz_forget_expected(struct fz_play *play, unsigned party);
void fz_lose_track(struct fz_party *party); /* nobody knows where it is, and what it asked was asked as if somebody did */
bool fz_is_owed(const struct fz_party *party); /* an answer of its own is outstanding */
bool fz_may_be_unheard(const struct fz_party *party); /* UDP: what it asked last may have been lost, and matters */
void fz_ask(struct fz_play *play, unsigned party);
struct fz_expected *fz_open_expectation(struct fz_play *play);
void fz_foresee(struct fz_party *party, const struct fz_step *step, struct c2w_str octets);
bool fz_is_placed(const struct fz_party *party); /* where it is is known, but for REL-08 */
bool fz_settled(const struct fz_party *party); /* nothing is under way that moves it, and where it is is known */
bool fz_forbidden(struct fz_party *party, const struct c2w_message *message); /* a text that must not come here */
void fz_last_words(const struct fz_party *party);
void fz_came_again(struct fz_party *party, const struct c2w_message *message);
struct fz_expected *fz_match(struct fz_party *party, const struct c2w_message *message);
struct fz_expected *fz_match_changed(const struct fz_party *party, const struct c2w_message *text); /* the one with its TIME and author, whatever it says */

/* lists.c */
void fz_expect_list(struct fz_play *play, struct fz_expected *expected); /* as things are when it is asked for */
void fz_say_list(const struct fz_play *play, const struct fz_expected *expected);
const char *fz_wrong_list(const struct fz_play *play, const struct fz_expected *expected, const struct c2w_message *message, unsigned *whom);
void fz_check_list(struct fz_party *party, const struct fz_expected *expected, const struct c2w_message *message);

/* texts.c */
bool fz_queues(const struct fz_party *party); /* texts wait for its acks */
void fz_queue(struct fz_party *party, struct fz_expected *text);
void fz_drop_queue(struct fz_party *party);
void fz_ack_sent(struct fz_party *party, const struct c2w_message *ack); /* in a step */
void fz_remember_ack(struct fz_party *party, int64_t time, struct c2w_str author);
bool fz_was_acked(const struct fz_party *party, const struct c2w_message *text); /* and that may have been lost: REL-02 */
bool fz_overtakes(const struct fz_play *play, const struct fz_expected *text); /* MSG-05 */

/* gone.c */
void fz_goes(struct fz_party *party);
void fz_is_given_up(struct fz_party *party, int64_t at);
bool fz_stays_outside(const struct fz_party *party); /* it has no session, or soon has none */
void fz_say_gone(struct fz_play *play);
void fz_expect_free(struct fz_expected *expected, struct c2w_str name);
bool fz_too_soon(struct fz_play *play, struct fz_expected *expected, const struct c2w_message *message);
bool fz_ask_anew(struct fz_play *play, struct fz_expected *open);

/* send.c */
bool fz_is_title(const struct fz_world *world, struct c2w_str octets); /* of a movie that is listed */
void fz_send_step(struct fz_party *party, const struct fz_step *step);
void fz_request(struct fz_party *party, enum c2w_command command, const char *user, struct c2w_str data);
void fz_repeat(struct fz_party *party); /* its last request, for the network's sake: nothing is due for it */
void fz_acknowledge(struct fz_party *party, const struct c2w_message *message, bool stranger);

/* receive.c */
void fz_open_party(struct fz_party *party);
void fz_close_party(struct fz_party *party, bool reset);
void fz_set_reading(const struct fz_party *party, bool on);

/* silence.c */
int64_t fz_patience_of(const struct fz_play *play);
int64_t fz_pause_of(const struct fz_play *play); /* over UDP no datagram overtakes one that was sent so long before */
int64_t fz_rto_of(const struct fz_play *play); /* measured or given, else the default */
bool fz_is_fence(struct fz_party *party, const struct c2w_message *message);
void fz_fence_answered(struct fz_party *party, int64_t time);
bool fz_can_ask(const struct fz_party *party);
void fz_probe(struct fz_party *party, enum c2w_command command, const char *user, struct c2w_str data);
void fz_send_fence(struct fz_party *party);
void fz_hangs(struct fz_play *play);
void fz_await_on(struct fz_play *play, struct fz_expected *open);

/* leave.c */
bool fz_take_leave(struct fz_play *play);
void fz_begin_leaving(struct fz_play *play);

#endif

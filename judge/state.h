/* What the judge remembers: endpoints, their requests, what came to them, the texts of the set.
 * For judge/ only. All of it lies in the one allocation of jd_new(); every table is a ring.
 * Order is by event (`seq`), as the caller reported them; pace is by `at`. */
#ifndef JD_STATE_H
#define JD_STATE_H

#include "judge/judge.h"
#include "judge/table.h"
#include "protocol/frame.h"

enum {
	JD_EXCHANGES = 256,  /* requests remembered, an endpoint */
	JD_RECORDS = 1024,   /* messages received, an endpoint */
	JD_TEXTS = 1024,     /* texts of the whole set */
	JD_JUNK = 32,        /* malformed things sent, an endpoint */
	JD_VARIANTS = 4,     /* ways one TIME was written, texts sent under one TIME */
	JD_EARLY_ACKS = 32,  /* acks of what has not come (yet), an endpoint */
	JD_NAMES = 4,        /* user names an endpoint asked for */
	JD_ORDERED = 16,     /* endpoints whose order of arrivals is compared (MSG-05) */
	JD_RECENT = 16,      /* arrivals of an endpoint that a new one is compared with */
	JD_REPORTED = 64,    /* findings remembered as reported, an endpoint */
	JD_PER_RULE = 8,     /* findings of one rule at one endpoint */
	JD_SEEN = 65536,     /* hashes of one list's entries: 65507 octets hold fewer than half as many */
	JD_NOBODY = 0xffff,
};

/* A request of an endpoint: one family, TIME (numerically) and USER_NAME. */
struct jd_exchange {
	uint64_t id;                    /* from 1 */
	enum c2w_family family;
	int64_t time;
	uint64_t user;                  /* hash */
	bool user_name;                 /* the user is a user-name: CON-03 */
	uint64_t times[JD_VARIANTS];    /* hashes of the TIME texts */
	unsigned time_count;            /* beyond JD_VARIANTS: there were more */
	struct jd_ref time_text, user_text;
	uint64_t first_seq, last_seq;
	int64_t first_at, last_at;
	uint32_t transmissions, answers;
	uint32_t claims;                /* answers with a wrong TIME or user, probably to it */
	/* What held at every transmission. */
	bool unconnected;               /* the endpoint had never asked for a session */
	bool in_session;                /* a session had been granted, and not left */
	bool stale;                     /* in a session, with no greater TIME than a request processed: REL-11 */
	bool alone;                     /* it moves the endpoint, and nothing else that does was under way */
	bool no_title;                  /* ENTER_MOVIE_REQUEST: its data can be no movie's title */
};

/* Something received: responses and NEW_MESSAGEs that differ in an octet are different records. */
struct jd_record {
	uint64_t id;                    /* from 1 */
	enum c2w_family family;
	enum c2w_command command;
	unsigned code;
	int64_t time;
	uint64_t user;                  /* hash */
	uint64_t octets, data;          /* hashes; data: of a NEW_MESSAGE */
	struct jd_ref kept;
	uint64_t first_seq, last_seq;
	int64_t first_at, last_at, spaced_at;
	uint32_t copies, spaced;        /* spaced: arrivals half an rto apart, as the network's own copies are not */
	bool matched;                   /* its fields are right */
	bool acked;                     /* by an ack that certainly counts, if it arrives */
	uint64_t ack_seq;               /* the last such */
	int64_t ack_at, first_ack_at;   /* its time; that of the first */
	bool maybe_acked;               /* by an ack that a server might take for one */
	unsigned ignored;               /* such acks that it was repeated after */
	uint64_t ignored_seq;
};

/* A text of the set: one author, one TIME; a variant for each way it was sent. */
struct jd_variant {
	uint64_t octets, time_text, data; /* hashes; octets: of TIME as written and data */
	unsigned from;                  /* the endpoint; JD_NOBODY: several */
	enum c2w_rule forbidden;        /* why it must be discarded: NAM-01, MSG-07, REL-11; C2W_NO_RULE */
};

struct jd_text {
	uint64_t id;                    /* from 1 */
	int64_t time;
	uint64_t user;                  /* hash */
	struct jd_variant variants[JD_VARIANTS];
	unsigned variant_count;         /* beyond JD_VARIANTS: there were more */
	struct jd_ref time_text, user_text, data; /* of the last transmission */
	unsigned from;                  /* the endpoint; JD_NOBODY: several */
	bool in_session;                /* its sender certainly was, when it was first sent */
	uint32_t transmissions;
	uint64_t first_seq, last_seq;
	int64_t last_at;
	uint64_t arrived_seq;           /* first arrival anywhere; 0: none */
	uint64_t delivered;             /* hash of the variant that arrived first */
	uint32_t order[JD_ORDERED];     /* as which NEW_MESSAGE it came to the endpoint; 0: not yet */
};

/* Something sent that must be discarded. */
struct jd_junk {
	enum c2w_rule rule;             /* FMT-05, FMT-06, FMT-07 */
	uint64_t time_text, user, data; /* hashes */
	struct jd_ref kept;
};

struct jd_endpoint {
	bool opened, tcp;
	bool opaque;                    /* a stream with an over-long message: nobody knows what the server made of it */
	bool segmented;                 /* a stream that was not written message by message: TRN-03 may be what is broken */
	uint64_t opened_seq;
	struct c2w_framer framer;       /* TCP: what is sent */

	struct jd_index exchange_index;
	uint16_t exchange_heads[JD_EXCHANGES], exchange_next[JD_EXCHANGES];
	uint64_t exchange_keys[JD_EXCHANGES];
	struct jd_exchange exchanges[JD_EXCHANGES];
	int64_t forgotten_time;         /* the greatest TIME of an exchange that fell out; -1: none did */

	struct jd_index record_index;
	uint16_t record_heads[JD_RECORDS], record_next[JD_RECORDS];
	uint64_t record_keys[JD_RECORDS];
	struct jd_record records[JD_RECORDS];

	struct jd_junk junk[JD_JUNK];
	unsigned junk_count;
	struct { enum c2w_family family; int64_t time; } early_acks[JD_EARLY_ACKS];
	unsigned early_ack_count;
	uint64_t chat_ack_seq;          /* the last NEW_MESSAGE_RESPONSE_ACK, right or wrong */

	uint64_t names[JD_NAMES];       /* hashes: what it asked for sessions as */
	unsigned name_count;            /* beyond JD_NAMES: there were more */
	uint64_t first_connect_seq;     /* first transmission of a CONNECTION_REQUEST; 0: none */
	uint64_t connect_seq;           /* the last */
	bool connects_again;            /* there were different ones, whatever was repeated since */
	uint64_t leave_seq;             /* last transmission of a LEAVE_SESSION_REQUEST */
	int64_t leave_at;
	bool entered;                   /* it sent an ENTER_MOVIE_REQUEST */
	uint64_t granted_seq;           /* its session was granted then, and not left; 0: not certain */
	uint64_t session_name;          /* hash */
	int64_t processed_time;         /* the greatest TIME answered in this session */
	uint64_t move;                  /* id of the last exchange that moves it; 0: none yet */
	int64_t move_at;                /* its last transmission */
	uint64_t settled_seq;           /* when that was answered; 0: it is under way */
	uint64_t request;               /* id of the exchange whose request was sent last */
	uint64_t request_seq;           /* when; and when the last one of any other exchange was */
	int64_t request_at;
	uint64_t other_request_seq;
	int64_t other_request_at;

	uint64_t answered_request_seq;  /* first transmission of the request answered last */
	int64_t answered_at;            /* and when the answer came */

	uint64_t newest_chat;           /* record id of the NEW_MESSAGE of ours that came last for the first time */
	uint32_t chat_count;
	uint64_t recent[JD_RECENT];     /* text ids, a ring by chat_count */

	struct { enum c2w_rule rule; bool suspicion; uint64_t key; } reported[JD_REPORTED];
	unsigned reported_count;
	uint8_t per_rule[2][C2W_RULES]; /* findings, suspicions */
};

/* UDP, of one family. */
struct jd_acks {
	uint32_t acked;                 /* messages with an ack that counts */
	uint32_t ignored;               /* those of them that came again after it */
	uint32_t times;                 /* how often any did, each after another ack */
};

struct jd {
	struct jd_options options;
	unsigned endpoint_count;
	uint64_t seq;
	int64_t slack;                  /* ns: what may still be under way, on either side */
	bool loss;                      /* UDP: signs that the network loses datagrams, */
	bool disorder;                  /* that it repeats or delays them */
	bool opaque, segmented;         /* some endpoint is */
	struct jd_acks acks[C2W_FAMILIES];
	struct jd_reading reading;
	struct jd_keep keep;

	struct jd_index text_index;
	uint16_t text_heads[JD_TEXTS], text_next[JD_TEXTS];
	uint64_t text_keys[JD_TEXTS];
	struct jd_text texts[JD_TEXTS];
	int64_t forgotten_text;         /* the greatest TIME of a text that fell out; -1: none did */
	uint64_t text_octets;           /* sent by all endpoints */
	size_t largest;                 /* message received */

	bool titles_known;              /* from a MOVIE_LIST_RESPONSE without fault: LST-02 */
	size_t title_count;
	uint64_t title_sum;             /* of the hashes */
	struct jd_ref title_list;

	uint64_t seen[JD_SEEN];
	char kept[JD_KEPT_OCTETS];
	struct jd_endpoint endpoints[];
};

/* One message that came, on its way through the judge. */
struct jd_arrival {
	struct jd *jd;
	struct jd_endpoint *endpoint;
	unsigned number;
	int64_t at;
	const struct c2w_message *message;
	struct c2w_str octets;
	uint64_t hash;                  /* of octets */
	uint64_t user;                  /* hash */
};

/* report.c — hands a finding out once per rule, endpoint and key, and not without end. */
void jd_report(struct jd *jd, unsigned endpoint, int64_t at, enum c2w_rule rule, uint64_t key, const char *what,
               struct c2w_str expected, struct c2w_str got);
void jd_suspect(struct jd *jd, unsigned endpoint, int64_t at, enum c2w_rule rule, uint64_t key, const char *what);
/* For an arrival: its family, TIME and user are the key, its octets (or a field of them) what was got. */
void jd_find(const struct jd_arrival *arrival, enum c2w_rule rule, const char *what, struct c2w_str expected, struct c2w_str got);
void jd_doubt(const struct jd_arrival *arrival, enum c2w_rule rule, const char *what);

/* memory.c — looks things up and makes room for them. */
void jd_endpoint_reset(struct jd *jd, unsigned number, bool tcp);
struct jd_exchange *jd_exchange_find(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user);
struct jd_exchange *jd_exchange_recent(struct jd_endpoint *endpoint, unsigned n); /* NULL at the end */
struct jd_exchange *jd_exchange_add(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user);
bool jd_exchange_has_time(const struct jd_exchange *exchange, struct c2w_str time_text);
struct jd_text *jd_text_find(struct jd *jd, int64_t time, uint64_t user);
struct jd_text *jd_text_by_id(struct jd *jd, uint64_t id);          /* NULL once forgotten */
struct jd_text *jd_text_recent(struct jd *jd, unsigned n);
struct jd_text *jd_text_add(struct jd *jd, int64_t time, uint64_t user);
struct jd_variant *jd_variant_find(struct jd_text *text, uint64_t octets);
uint64_t jd_variant_hash(const struct c2w_message *message);
/* The newest record of this family, TIME and user, then those before it. */
struct jd_record *jd_record_find(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user);
struct jd_record *jd_record_same(struct jd_endpoint *endpoint, enum c2w_family family, int64_t time, uint64_t user, uint64_t octets);
struct jd_record *jd_record_recent(struct jd_endpoint *endpoint, unsigned n); /* NULL at the end */
struct jd_record *jd_record_by_id(struct jd_endpoint *endpoint, uint64_t id);
struct jd_record *jd_record_add(const struct jd_arrival *arrival, bool matched);
void jd_record_ack(struct jd *jd, struct jd_endpoint *endpoint, int64_t at, const struct c2w_message *ack);
void jd_junk_add(struct jd *jd, struct jd_endpoint *endpoint, enum c2w_rule rule, struct c2w_str octets, const struct c2w_message *message);
/* What this endpoint sent with just that TIME and user and had to be discarded; NULL: nothing. */
const struct jd_junk *jd_junk_find(const struct jd_endpoint *endpoint, struct c2w_str time_text, uint64_t user);

/* session.c — what an endpoint asked for, and what it was granted. */
void jd_session_request(struct jd *jd, struct jd_endpoint *endpoint, struct jd_exchange *exchange, int64_t at);
void jd_session_answer(const struct jd_arrival *arrival, struct jd_exchange *exchange);
void jd_session_processed(struct jd_endpoint *endpoint, uint64_t first_seq, int64_t time); /* in the session it has */
bool jd_never_connected(const struct jd_endpoint *endpoint); /* it certainly has no session: it never asked for one */
bool jd_never_named(const struct jd_endpoint *endpoint, uint64_t user); /* it never asked for one as this user */
bool jd_asked_as(const struct jd_endpoint *endpoint, uint64_t user); /* it asked for a session as this user, or may have */
bool jd_speaks_as(const struct jd_endpoint *endpoint, uint64_t user); /* if it has a session, it is this user's */
bool jd_settled(const struct jd_endpoint *endpoint, uint64_t seq); /* it was not on the move from then to now */

/* sent.c — what an endpoint sends. */
void jd_sent_octets(struct jd *jd, unsigned number, int64_t at, struct c2w_str octets);

/* form.c, lists.c — what one message says by itself. */
void jd_form_broken(const struct jd_arrival *arrival, enum c2w_err err);
void jd_form_data(const struct jd_arrival *arrival, struct jd_exchange *exchange); /* exchange NULL: none known */
void jd_form_users(const struct jd_arrival *arrival, struct jd_exchange *exchange);
void jd_form_movies(const struct jd_arrival *arrival);

/* echo.c — which request a response claims to answer. */
void jd_echo_unmatched(const struct jd_arrival *arrival);
void jd_echo_time(const struct jd_arrival *arrival); /* a TIME against the grammar */
void jd_echo_user(const struct jd_arrival *arrival); /* a USER_NAME against the grammar */

/* answer.c — a response that matches the grammar. chat.c — a NEW_MESSAGE that does. Both: is it a repetition? */
bool jd_answer(const struct jd_arrival *arrival);
/* UDP: the endpoint may have lost its session by then, unseen: something was not acked in time (REL-08), or too much waited for it (ROB-03). */
bool jd_session_may_be_dead(const struct jd *jd, struct jd_endpoint *endpoint, int64_t at);
bool jd_chat(const struct jd_arrival *arrival, bool stranger);

/* deliver.c — a NEW_MESSAGE of ours with the right fields, here for the first time as it is; fresh: nothing of its author and TIME came here. */
bool jd_once(const struct jd *jd, const struct jd_text *text); /* it can have been processed once only */
void jd_deliver(const struct jd_arrival *arrival, struct jd_text *text, const struct jd_variant *variant, bool fresh);

/* admit.c — may this request be answered like this? False: certainly not. */
bool jd_admit(const struct jd_arrival *arrival, const struct jd_exchange *exchange);

/* repeat.c — the same octets again. */
struct jd_cause {           /* what may have made a server send them again */
	uint32_t requests;      /* transmissions that it may answer with one copy each */
	uint32_t executions;    /* times it may have been processed */
	uint64_t last_seq;      /* the last of those transmissions */
	int64_t last_at;
};
void jd_repeat(const struct jd_arrival *arrival, struct jd_record *record, const struct jd_cause *cause);
void jd_repeat_note(const struct jd_arrival *arrival, struct jd_record *record); /* counts it */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * look.pml - the manager's thread finds out whose work a change of its affinity is: a cpuset's, which
 * comes and goes, or somebody's, which stays.
 *
 * Models  learn(), note_change(), is_seen_again(), follow_somebody() and ask_for_wish() in
 *         core/cpus.c. A worker is asked what there is, so that is what the system hands out.
 *         Of the system: who asks for CPUs is given those of them that there are; a cpuset that
 *         changes is handed out at once, and gets to the manager's thread later. Then
 *         that has of what it asked for what there is, all if there is none of it; with OVERWRITE
 *         all that there is.
 * Bounds  three CPUs, sets as bits; one cpuset changes NFLIP times, to anything; NSET times somebody
 *         sets the affinity; the process was started with LOADED; OPTION is WORKQ_CPUS. The manager
 *         looks all the time, and four times after all changes. PROMPT: a change gets to its thread
 *         at once. Three changes, two of them in step with looks of which one falls between the
 *         system's two steps, can mislead it; so can two with OVERWRITE and OPTION.
 * Checks  in the end the allowed CPUs are those that there are, within LOADED and OPTION; or, if
 *         somebody has set something, within that.
 * Bugs    each must make pan report an error:
 *   BUG_SELF      the manager's thread itself asks for all, to see what there is
 *   BUG_ONCE      what one look finds is believed
 *   BUG_ASK       the affinity that somebody has set is asked for once more
 *   BUG_NEVER     what somebody sets is always taken for the system's
 */
#ifndef NFLIP
#define NFLIP 3
#endif
#ifndef NSET
#define NSET 0
#endif
#ifndef LOADED
#define LOADED 7
#endif
#ifndef OPTION
#define OPTION 7
#endif
#define NARROW(a, b) (((a) & (b)) -> ((a) & (b)) : (a))

/* the system's */
byte there = 7;			/* handed out */
byte asked = NARROW(LOADED, OPTION), mask = NARROW(LOADED, OPTION); /* of the manager's thread */
byte nr_flipped, nr_set, set = 7;

/* the manager's */
byte own = NARROW(LOADED, OPTION), present = 7, restriction = LOADED;
bit in_doubt;
byte doubted, doubted_of;

inline any(cpus) { select(cpus : 1 .. 7) }

proctype Cpuset() {
	byte cpus;

	do
	:: nr_flipped < NFLIP ->
		any(cpus);
#ifndef PROMPT
		there = cpus;
#endif
		atomic {
			there = cpus;
#ifdef OVERWRITE
			mask = there;
#else
			mask = NARROW(there, asked);
#endif
			cpus = 0; nr_flipped++
		}
	:: else -> break
	od
}

/* taskset --all-tasks; refused if nothing of it is there */
inline ask_for(cpus) {
	atomic { if :: cpus & there -> asked = cpus; mask = cpus & there :: else fi }
}

proctype Somebody() {
	byte cpus;

	do
	:: nr_set < NSET ->
		any(cpus);
		atomic {
			if
			:: cpus & there -> set = cpus; asked = cpus; mask = cpus & there
			:: else
			fi;
			cpus = 0; nr_set++
		}
	:: else -> break
	od
}

#define WISH NARROW(restriction, OPTION)
#define LEFT NARROW(present_now, WISH)
#define IS_BY_SYSTEM \
	(found == LEFT || (present_now != present && found == present_now))

inline ask_for_wish() {
	own = NARROW(present, WISH);
	wish = WISH;
	ask_for(wish);
	wish = 0
}

inline look() {
	found = mask;
	if
	:: found == own ->
		in_doubt = 0
	:: else ->
#ifdef BUG_SELF
		wish = 7;
		ask_for(wish);
		wish = 0;
		present_now = mask;
#else
		present_now = there;
#endif
		if
#ifndef BUG_NEVER
		:: !IS_BY_SYSTEM ->
			atomic {
				believed = in_doubt && doubted == found && doubted_of == present_now;
				believed = believed && (found & present_now) == found;
#ifdef BUG_ONCE
				believed = 1;
#endif
#ifdef BUG_SELF
				believed = 1;
#endif
				in_doubt = !believed; doubted = found; doubted_of = present_now
			};
			if
			:: believed ->
				in_doubt = 0;
				present = present_now;
				restriction = ((present & found) == present -> 7 : found);
				if
#ifndef BUG_ASK
				:: found == WISH -> own = found
#endif
				:: else -> ask_for_wish()
				fi
			:: else
			fi
#endif
		:: else ->
			in_doubt = 0;
			present = present_now;
			ask_for_wish()
		fi
	fi;
	atomic { found = 0; present_now = 0; believed = 0 }
}

#define ALLOWED NARROW(NARROW(present, restriction), OPTION)
#define QUIET (nr_flipped == NFLIP && nr_set == NSET)

active proctype Manager() {
	byte found, present_now, wish, i; bit believed;

	run Cpuset();
	run Somebody();
	do
	:: !QUIET -> look()
	:: QUIET -> break
	od;
	do
	:: i < 4 -> look(); i++
	:: else -> break
	od;
#if NSET
	assert(ALLOWED == NARROW(NARROW(there, set), OPTION) || ALLOWED == NARROW(there, OPTION));
#if NFLIP == 0
	assert(ALLOWED == NARROW(NARROW(there, set), OPTION))
#endif
#else
	assert(ALLOWED == NARROW(NARROW(there, LOADED), OPTION))
#endif
}

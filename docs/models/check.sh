#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh [quick] - runs spin on the models: what must hold holds, every seeded bug is found.
#
# A line per run: what came out, the model with its switches, the number of states. "quick" leaves
# out the long runs at the end of the list. JOBS=n: so many at once, two if not said. Needs spin
# and a C compiler. Exit status 1 if anything was not as expected.
set -u
here=$(cd "$(dirname "$0")" && pwd)

# EXPECTED MODEL SWITCH...: ok: no error, bug: one is found; with -live: liveness under weak
# fairness; with -big: worth an optimising compiler, which takes longer than most runs.
quick_runs()
{
	cat <<'RUNS'
ok colors NF=3 NI=2
ok core WITH_CANCEL WITH_CA WITH_P1
ok barrier NF=1 NC=1 NS=1 NW=2
ok manager BLOCK CHAIN NW=3
ok barrier NF=2
ok core WITH_CANCEL WITH_C WITH_S
ok limit NC=1
ok limit MAX=2 CHANGE=1
ok retire NR=1 NC=1
ok core WITH_FLUSH WITH_S
ok core TWICE WITH_P1
ok core WITH_F WITH_P1
ok core WITH_F WITH_P1 FIFO
ok core WITH_S WITH_P1
ok core WITH_S WITH_P1 FIFO
ok core WITH_FLUSH WITH_CANCEL WITH_CA
ok core NW0=2 WITH_S
ok core NW0=2 WITH_F BLOCK FIFO WITH_P1
ok core NW0=2 WITH_CANCEL WITH_CA
ok-live core LIVE WITH_S WITH_FLUSH
bug core BUG_NORECHECK WITH_F
bug core BUG_NOFILED WITH_CANCEL WITH_CA
bug core BUG_LATEPUB WITH_P1
bug core BUG_EARLYLOOK TWICE WITH_P1
bug core BUG_TOUCH WITH_F
bug core BUG_NODRAIN WITH_FLUSH
bug core BUG_NOCHAIN NW0=2 WITH_F BLOCK FIFO
bug core BUG_NOCOLLIDE NW0=2 WITH_S
bug core BUG_OWNFIRST WITH_S WITH_P1 FIFO
bug core BUG_NOAGAIN WITH_FLUSH WITH_S
bug core WITH_F WITH_P1 FIFO FIFO_FALSE
bug-live core LIVE WITH_S WITH_FLUSH BUG_NOCOLOUR
bug-live core LIVE WITH_S WITH_FLUSH BUG_CLOSED
ok again MAX=1 CHAIN CANCEL R=2
ok again CHAIN FLUSH FLUSHWORK
ok again BLOCK STEP FLUSH CANCEL
ok again BLOCK CANCEL FLUSHWORK
ok again BLOCK ENDS CANCEL FLUSHWORK NW=3
ok again UNBOUND MAX=2 LOWER R=2
ok again FLUSH R=2 NOCOLOUR
ok again FLUSH R=2 NOFLUSHING
bug again CANCEL BUG_NOAGAIN
bug again BUG_OVERTAKE
bug again MAX=2 BLOCK BUG_WORKLIST
bug again CHAIN BUG_ANY
bug again BLOCK BUG_SETTLE
bug again ENDS BUG_SETTLE
bug again BLOCK BUG_OTHERS
bug again STEP BUG_UNCOUNTED
bug again MAX=1 BUG_HELDBACK
bug again UNBOUND MAX=2 LOWER BUG_LOWERED
bug again FLUSHWORK BUG_WAITERS
bug again FLUSH NOCOLOUR NOFLUSHING
ok barrier NF=1 NC=1 INACTIVE
ok barrier NF=1 NC=1 NW=2
ok barrier NF=0 NS=2
bug barrier NF=1 NC=1 BUG_NOMOVE
bug barrier NF=1 NC=1 BUG_NOBIT
bug barrier NF=1 NC=1 BUG_NOFILED
bug barrier NF=1 NC=1 BUG_NORELEASE
bug barrier NF=1 NC=1 BUG_EARLY
bug barrier NF=1 NC=1 BUG_DONEFIRST
bug barrier NF=1 NC=1 BUG_NOLOOK
bug barrier NF=1 NC=1 BUG_NOWAITERS
bug barrier NF=1 NC=1 BUG_NOPARK
ok disable NS=1 ND=1 NW=2 NQ=2
ok disable NS=2 NP=2
ok disable NS=1 ND=1 NA=1
bug disable NS=1 ND=1 NQ=2 BUG_STALE
bug disable NS=1 ND=1 NQ=2 BUG_TRANSIT
bug disable NS=1 ND=1 NQ=2 BUG_EARLYLOOK
bug disable NS=1 ND=1 NQ=2 BUG_NOSLOT
bug disable NS=1 ND=1 NQ=2 BUG_TWOSTEP
bug disable NS=1 ND=1 NQ=2 BUG_STORE
bug disable NS=1 ND=1 NQ=2 BUG_KEEP
ok-live disable LIVE NS=1
ok-live disable LIVE NS=2 NP=0
bug-live disable LIVE NS=1 BUG_NOLOOK
bug-live disable LIVE NS=1 BUG_UNTILIDLE
bug-live disable LIVE NS=2 NP=0 BUG_EXCLUSIVE
bug-live disable LIVE NS=1 BUG_LEFTPENDING
ok colors NF=2 NI=3 NC=2
ok colors NF=3 NI=2 NC=2
ok colors NF=2 NI=2 NOSELF
bug colors NI=2 BUG_HEADLATE
bug colors NI=2 BUG_HEADEARLY
bug colors NI=2 BUG_NODRAIN
bug colors NI=2 BUG_NOOVERFLOW
bug colors NI=2 BUG_JOIN
bug colors NI=2 BUG_REUSE
bug colors NI=2 BUG_ONE
bug colors NI=2 BUG_NOHANDON
ok late
bug late BUG_NOLATE
bug late BUG_NOSYNC
bug late BUG_SYNCFIRST
bug late BUG_NOLOCK
ok manager BOUND NREAP=2 NW=4 NP=3
ok manager BOUND BLOCK CHAIN NREAP=1 NW=3
ok manager NREAP=1 NW=3
ok manager NREAP=1 NW=3 NFAIL=1
ok manager STALL BOUND NREAP=1 NW=3 NP=3
bug manager BOUND NW=3 BUG_NORECHECK
bug manager BOUND NW=3 BLOCK BUG_NOSTANDIN
bug manager BOUND NW=3 NP=3 BUG_OFFER
bug manager BOUND NW=3 NP=3 NREAP=2 BUG_NORENEW
bug manager BOUND NW=3 NP=3 NREAP=1 BUG_REAPNORULE
bug manager BOUND NW=3 BLOCK BUG_BLOCKNORULE
bug manager BOUND NW=3 BLOCK CHAIN NP=1 NFAIL=1 BUG_WANTSTAYS
bug manager BOUND NW=4 BLOCK NP=3 NREAP=1 BUG_LATECOUNT
bug manager BOUND NW=3 NFAIL=1 BUG_NOUNCOUNT
bug manager BOUND NW=3 NFAIL=1 BUG_NORETRY
bug manager BOUND NW=3 NP=3 NREAP=1 STALL BUG_NOHELP
bug manager BOUND NW=3 NP=3 NREAP=1 STALL BUG_HEAD
bug manager BOUND NW=3 NP=3 NREAP=1 STALL BUG_HALFHELP
ok wake
ok wake NP=3
ok wake NP=3 STALL
bug wake BUG_RELEASE
bug wake BUG_LATELOAD
bug wake STALL BUG_ONLYEMPTY
ok sampling
ok sampling NW=2 R=1
bug sampling BUG_NOLOCK
bug sampling BUG_LOOKFIRST
bug sampling BUG_ONEPOOL
bug sampling BUG_NORESTART
bug sampling BUG_NOTEEARLY
bug sampling BUG_NONOTE
ok lock
ok lock N=3
ok lock N=3 FENCES
bug lock N=3 BUG_NOBARRIER
bug lock N=3 BUG_NOLOOK
bug lock N=3 BUG_LOOKFIRST
bug lock N=3 BUG_WAKEONE
bug lock N=3 BUG_CLEARLATE
bug lock N=3 BUG_NOVALUE
ok bias N=3
ok bias
ok bias FENCES
ok bias NF=2
ok bias NH=1
ok bias NH=1 HASTY
bug bias BUG_NOBARRIER
bug bias BUG_NOLOOK
bug bias BUG_LOOKFIRST
bug bias BUG_REVOKED
bug bias BUG_STAYINSIDE
bug bias NH=1 BUG_NOINSIDE
bug bias BUG_NOWAIT
bug bias BUG_NOSLEEPERS
bug bias BUG_WAKEFIRST
bug bias BUG_NOSLEEPBAR
bug bias BUG_BLIND
bug bias BUG_SLEEPBIASED
bug bias BUG_NOVALUE
bug bias BUG_SAMEVALUE
bug bias N=3 HASTY BUG_NOWAKE
bug bias HASTY BUG_FREES
bug bias BUG_WORDFIRST
bug bias BUG_STORE
bug bias BUG_OUTFIRST
ok destroy NC=2
ok destroy RESCUER
ok destroy RCU NP=0
ok-live destroy LIVE NC=0
bug destroy BUG_NOSYNC
bug destroy BUG_SYNCFIRST
bug destroy BUG_NOREFUSE
bug destroy BUG_ONEFLAG
bug destroy BUG_NODRAIN
bug destroy RCU NP=0 BUG_NOSECOND
bug destroy BUG_SECONDFIRST
bug destroy BUG_NOSECTION
bug destroy BUG_NOLIST
bug destroy BUG_NOCONFIG
bug destroy BUG_NOFORGET
bug destroy BUG_WQFIRST
bug destroy RCU NP=0 BUG_NORCU
bug destroy RCU NP=0 BUG_LATERCU
bug destroy RESCUER BUG_NOJOIN
bug-live destroy LIVE NC=0 BUG_ONEERA
ok epoch
ok epoch REPLACE
bug epoch BUG_NOMEMBARRIER
bug epoch BUG_NOSYNC
bug epoch REPLACE BUG_NOMEMBARRIER
bug epoch REPLACE BUG_NOSYNC
bug epoch REPLACE BUG_NOCHECK
ok limit
ok limit MAX=2 NSTUCK=1
ok limit MAX=0 CHANGE=2 NI=1 NSTUCK=1
ok limit CHANGE=2 NC=1 NI=1
ok limit NQ=3 NI=1 NC=1
ok limit NPOOL=3 NI=1
ok limit NQ=4 NL=2 NI=1
ok limit PLUG
ok limit ROUND
ok-live limit LIVE
bug limit BUG_LOOKFIRST
bug limit BUG_NOLOOK
bug limit BUG_WAITBUF
bug limit BUG_FREELATE
bug limit BUG_KICKLATE
bug limit BUG_PUSHFIRST
bug limit BUG_NOHANDON
bug limit BUG_SKIP
bug limit MAX=0 CHANGE=2 NSTUCK=1 BUG_ONESLOT
bug limit NQ=4 NL=2 NI=1 BUG_ONELIMIT
bug limit NC=1 BUG_NOPASS
bug limit MAX=0 CHANGE=2 ROUND BUG_NOROUND
bug limit BUG_STAYS
bug limit NC=1 BUG_CANCELSTAY
bug limit MAX=0 CHANGE=1 BUG_CHANGELATE
bug limit MAX=0 CHANGE=1 BUG_NOCHANGE
bug limit CHANGE=2 BUG_REJOIN
bug limit PLUG BUG_PLUGWAITS
bug limit PLUG BUG_NOJOIN
bug limit BUG_STORE
bug limit BUG_TWOLOCKS
bug-live limit LIVE BUG_FREELATE
ok retire NR=1
ok retire NQ=2
ok retire NQ=2 SAME
ok retire NC=1
ok retire NA=2 NREL=2
ok retire ORDERED NA=2 NREL=2
ok retire ORDERED NA=2 NP=1 NQ=3
ok retire ORDERED NA=2 SAME
ok retire ORDERED NC=1
ok retire ORDERED NR=1
ok retire DESTROY NR=1
ok retire DESTROY NC=1
ok retire DESTROY NA=2
ok retire DESTROY ORDERED NR=1
ok retire NOFILED NC=1
ok retire NOFILED ORDERED
ok retire NOWAIT NC=1
ok retire NOWAIT ORDERED
bug retire BUG_NOSYNC
bug retire BUG_NODRAIN
bug retire BUG_NOLOOK
bug retire BUG_NOPENDING
bug retire BUG_FREEFIRST
bug retire BUG_NORELEASE
bug retire BUG_EMPTY
bug retire BUG_SYNCFIRST
bug retire BUG_NOCURRENT
bug retire NC=1 BUG_NOSECTION
bug retire ORDERED BUG_NOPLUG
bug retire ORDERED NA=2 BUG_UNPLUGALL
bug retire ORDERED NA=2 BUG_UNPLUGNEW
bug retire ORDERED BUG_UNPLUGHALF
bug retire ORDERED NR=1 BUG_CURRENT
bug retire DESTROY BUG_NORELFLUSH
bug retire DESTROY BUG_RELFLUSHED
bug retire DESTROY NC=1 BUG_ONESYNC
ok timer NP=1 ND=1 NR=1
ok timer NP=0 NM=1 NC=1 NR=1 ZERO
ok timer NP=1 NF=1 NR=1
ok timer NP=0 NM=2 OLD
ok timer NP=0 NM=1 ND=1 NF=1
ok timer DESTROY NP=1 NR=1 NZ=1
ok timer FREE NP=1 NR=1 NZ=1
ok timer FREE_CANCEL NP=1 NC=1 NZ=1
ok timer NP=2 OLD
ok timer NP=2 OLD FENCES
ok timer NH=1 NP=0 NZ=2 OLD
ok timer NH=1 NP=0 NC=1 NR=1
ok timer NH=1 NP=0 NM=1 OLD
bug timer NZ=1 BUG_NOLOOK
bug timer NZ=1 BUG_NOBARRIER
bug timer NZ=1 BUG_ONETRY
bug timer NH=1 NP=0 NZ=1 BUG_WAIT
bug timer NC=1 NR=1 BUG_NOOLDLOCK
bug timer NC=1 NR=1 BUG_NOREREAD
bug timer NC=1 BUG_NOARMED
bug timer FREE BUG_LATECLEAR
bug timer DESTROY BUG_GAP
bug timer NF=1 BUG_GAP
bug timer NP=2 NC=1 BUG_IDLEFIRST
bug timer ND=1 NR=1 BUG_STALE
bug timer ND=1 NR=1 BUG_NOSLOT
bug timer NP=2 NM=1 BUG_MODGAP
bug timer NM=1 BUG_MODLATE
bug timer NM=1 BUG_NOTIMERBIT
bug timer ND=1 BUG_DEPTHLOOK
ok clock BEFORE
ok clock START
ok clock NC=1
ok clock NOFD BEFORE
ok clock NOFD START
ok clock NOAWAKE
ok clock STALL=1 ALWAYS
bug clock BUG_NOLOOK
bug clock BUG_RELEASE
bug clock BUG_NEXTRELEASE
bug clock BUG_NEXTLATE
bug clock BEFORE BUG_NOREPEAT
bug clock BUG_GIVEUP
bug clock BUG_BLIND
bug clock BUG_RAISE
bug clock START BUG_FDLATE
bug clock STALL=1
bug clock STALL=2
bug clock BEFORE STALL=3
ok drain N=8
ok drain RETIRED N=3
ok drain NP=1 N=2
ok drain NP=1 ND=2 NW=1 N=1
bug drain BUG_ONEPASS
bug drain BUG_NOCOUNT
bug drain BUG_NODRAIN
bug drain RETIRED BUG_NOGONE
bug drain RETIRED BUG_NOLOCK
bug drain NP=1 NW=1 BUG_NOSYNC
bug drain NP=1 NW=1 BUG_SYNCFIRST
bug drain NP=1 ND=2 NW=1 BUG_ONEFLAG
bug drain NP=1 NW=1 BUG_STAYS
ok fork
ok fork FENCES
ok fork HASTE
ok fork F=2
ok fork N=1 NF=2 R=2
bug fork BUG_NOBARRIER
bug fork BUG_TESTFIRST
bug fork FENCES BUG_OLDTEST
bug fork BUG_STAY
bug fork BUG_NESTEDGOES
bug fork BUG_NODEADLINE
bug fork BUG_STAYCLOSED
bug fork BUG_NOPAUSE
bug fork BUG_NOLOCKS
bug fork BUG_NOVALUE
bug fork BUG_WAKEFIRST
bug fork BUG_OPENFIRST
ok defer SAME
ok defer SAME NF=3
ok defer ORDER
ok defer ORDER NF=3
bug defer SAME BUG_WAIT
bug defer SAME BUG_LETFIRST
bug defer SAME BUG_TWOSTEPS
bug defer ORDER BUG_OUTSIDE
bug defer ORDER BUG_NOLANDING
bug defer ORDER BUG_NEWEST
bug defer ORDER BUG_STAYOPEN
bug defer ORDER BUG_UNLOCKFIRST
bug defer ORDER BUG_REOPENFIRST
bug defer SAME BUG_NOLATE
ok child
ok child NW=1 CANCEL
ok child NW=1 TIMER
ok child NW=1 RCU
ok child INITEM
ok child NW=1 F=2
ok child NW=1 NI=1 RCU F=2
bug child BUG_NOINTAKE
bug child BUG_NOAGAIN
bug child BUG_NOHELD
bug child BUG_NOSCHEDULED
bug child NW=1 TIMER BUG_NOSHARD
bug child NW=1 TIMER BUG_NOWHEEL
bug child BUG_LATEFORGET
bug child BUG_NORESET
bug child BUG_NOUNLOCK
bug child BUG_OLDWORKERS
bug child BUG_OLDCURRENT
bug child INITEM BUG_SELF
bug child NW=1 CANCEL BUG_NODEBT
bug child NW=1 CANCEL BUG_LATEDEBT
bug child NW=1 CANCEL BUG_ALLDEBTS
bug child NW=1 RCU BUG_NOTAG
bug child NW=1 RCU BUG_NOGENERATION
bug child NW=1 RCU BUG_NOLEFT
bug child NW=1 NI=1 RCU F=2 NTAGS=2
ok cpus
ok cpus NCHANGE=1
ok cpus NCHANGE=1 BLOCK
bug cpus NCHANGE=1 BUG_NORULE
bug cpus BUG_NOLOCK
bug cpus BUG_OLDNEEDS
bug cpus BUG_NOOTHERS
bug cpus BUG_PINFIRST
bug cpus BUG_NEWCOMER
ok look NFLIP=2
ok look NFLIP=2 OVERWRITE
ok look NFLIP=2 LOADED=3
ok look NFLIP=2 OPTION=3
ok look PROMPT
ok look PROMPT OVERWRITE
ok look PROMPT LOADED=3
ok look PROMPT OVERWRITE OPTION=3
ok look NSET=1 NFLIP=1
ok look NSET=1 NFLIP=1 OVERWRITE
ok look NSET=2 NFLIP=0
bug look PROMPT BUG_SELF
bug look PROMPT OVERWRITE OPTION=3 BUG_ONCE
bug look NFLIP=2 BUG_ASK
bug look NSET=1 NFLIP=0 BUG_NEVER
bug look NFLIP=3
bug look NFLIP=2 OVERWRITE OPTION=3
ok spare
ok spare BOUND
ok spare BOUND STAY
ok spare BOUND NREAP=1
ok spare BOUND NFAIL=2
ok spare BOUND LONG NFAIL=2
ok spare STAY NFAIL=1
ok spare BOUND NB=0 NW=2
ok spare BOUND RESCUER NB=0 NFAIL=1
bug spare BOUND STAY NP=1 NB=0 BUG_NOASK
bug spare BOUND BUG_NOSTARTING
bug spare BOUND STAY BUG_WANTSTAYS
bug spare BOUND LONG NFAIL=1 BUG_WANTSPARE
bug spare BOUND NFAIL=1 BUG_NORETRY
bug spare BOUND STAY NP=1 NB=0 NFAIL=1 BUG_NOSPARETRY
bug spare BOUND LONG NFAIL=1 BUG_ONETIME
bug spare STAY NP=1 NB=0 NFAIL=1 BUG_TRYONE
bug spare BOUND STAY NFAIL=1 BUG_NOGIVEBACK
bug spare BOUND RESCUER NB=0 NFAIL=1 BUG_RESCUE
ok watch
ok watch NI=3
ok watch SAMPLE=2
ok watch INTENSIVE SAMPLE=1
ok watch NW=2 NI=1 NA=1 SAMPLE=1
bug watch BUG_TOLDTWICE
bug watch BUG_ENDALWAYS
bug watch BUG_SEEALL
bug watch BUG_SEENSTAYS
bug watch BUG_NOSETTLE
bug watch BUG_NOWORK
bug watch SAMPLE=1 BUG_TRUST
bug watch BUG_NOBACK
bug watch BUG_NEWSFIRST
bug watch BUG_NEWSLATE
ok shutdown
ok shutdown NP=1
ok shutdown LATE
bug shutdown BUG_NODRAINSYNC
bug shutdown LATE BUG_NOSHUTSYNC
bug shutdown LATE BUG_TAKEFIRST
bug shutdown LATE BUG_CHAIN
bug shutdown NP=1 BUG_STOPONCE
bug shutdown NP=1 BUG_TIMERFIRST
bug shutdown NP=1 BUG_REAPONCE
bug shutdown NP=1 BUG_NOTSTARTING
RUNS
}

# Up to two minutes and three gigabytes each.
long_runs()
{
	cat <<'RUNS'
ok-big core WITH_FLUSH WITH_P1
ok-big core NW0=2 WITH_S WITH_P1
ok-big core NW0=2 WITH_F WITH_P1
ok-big again UNBOUND MAX=1 CHAIN FLUSH FLUSHWORK CANCEL R=2
ok-big again CHAIN STEP FLUSH FLUSHWORK R=2
ok-big barrier NF=2 NC=1
ok-big disable NS=1 ND=1 NA=1 NQ=2 NW=2
ok-big disable NS=2 NP=2 NW=2
ok-big-live disable LIVE NS=2
ok-big-live disable LIVE NS=1 ND=1
ok-big colors NF=3 NI=3
ok-big colors NF=4 NI=2
ok-big manager NREAP=1 NW=4 NP=3
ok-big manager NREAP=1 NW=3 NQ=2
ok-big manager STALL NW=3 NP=3
ok-big sampling NW=2 R=2
ok-big bias N=3 HASTY
ok-big bias N=3 NF=2 R=1
ok-big bias NF=2 NH=1
ok-big bias NH=2
ok-big limit CHANGE=2
ok-big limit MAX=0 CHANGE=2 ROUND
ok-big limit NI=3 NC=1
ok-big limit NQ=3
ok-big limit NPOOL=3 CHANGE=2 NI=1
ok-big limit NPOOL=3 NI=1 NC=1
ok-big limit NQ=4 NL=2 CHANGE=2 NI=1
ok-big retire NQ=2 NR=1
ok-big retire NP=3 NR=1
ok-big retire NC=1 NA=2
ok-big retire ORDERED NQ=2 NA=2
ok-big retire ORDERED NC=1 NA=2
ok-big retire DESTROY NQ=2 NR=1
ok-big retire DESTROY NA=2 NREL=2
ok-big retire DESTROY ORDERED NC=1 NA=2
ok-big destroy NP=2
ok-big destroy RCU
ok-big-live destroy LIVE
ok-big timer NP=1 NC=1 NR=1 NZ=1
ok-big timer NP=1 NM=1 NR=1 ZERO
ok-big timer NP=1 NM=1 NC=1 FENCES
ok-big timer NP=1 NM=1 NF=1 FENCES
ok-big timer NP=2 ND=1 FENCES
ok-big timer NP=2 NF=1
ok-big timer NH=1 NP=1 NZ=1
ok-big clock NA=3 NS=1
ok-big clock START NFAIL=1
ok-big clock NC=2 BEFORE
ok-big drain NP=2 NW=1 N=1
ok-big drain NP=1 ND=2 N=2
ok-big fork R=2
ok-big defer NF=1
ok-big child TIMER
ok-big child RCU
ok-big child NW=1 NI=1 RCU F=3 NTAGS=4
ok-big cpus NREAP=1
ok-big cpus NCHANGE=3
ok-big cpus NCHANGE=1 NP=3
ok-big spare NREAP=1 NFAIL=1
ok-big spare LONG NFAIL=1
ok-big spare BOUND RESCUER NFAIL=2
ok-big spare BOUND NP=3 NB=2 NW=4
ok-big watch NW=2
ok-big watch NW=2 NI=1 SAMPLE=1
ok-big shutdown NT=2 NP=1
ok-big shutdown NS=2 NP=1
ok-big shutdown NS=2 NP=1 LATE
RUNS
}

# check EXPECTED MODEL SWITCH..., in an empty directory
check()
{
	want=$1 model=$2 flags= optimise=-O0 how=-DSAFETY search= table=
	shift 2
	for switch in "$@"; do
		flags="$flags -D$switch"
	done
	case $want in
	*-big*) optimise=-O2 ;;
	bug*) table=-w16 ;; # it grows
	esac
	case $want in
	*-live*) how=-DNFAIR=4 search="-a -f" ;;
	esac
	# shellcheck disable=SC2086 # several arguments
	if ! { spin -a $flags "$here/$model.pml" && "${CC:-cc}" $optimise -w $how -DCOLLAPSE \
		-DMEMLIM="$MEMLIM" -DVECTORSZ=512 -o pan pan.c; } >log 2>&1; then
		cat log
		echo "FAIL: $model $*: does not build"
		return 1
	fi
	# shellcheck disable=SC2086
	nice ./pan -m100000 $table $search >log 2>&1
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' log)
	states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' log)
	if grep -qE 'max search depth|memory limit|VECTORSZ' log; then
		errors=incomplete
	fi
	case ${want%%-*}$errors in
	ok0) echo "holds: $model${*:+ }$*: $states states" ;;
	bug1) echo "bug found: $model${*:+ }$*: after $states states" ;;
	*)
		cat log
		echo "FAIL: $model $*: wanted $want, errors: ${errors:-none reported}"
		return 1
		;;
	esac
}

if [ "${1-}" = --one ]; then
	dir=$(mktemp -d) && cd "$dir" || exit 1
	# shellcheck disable=SC2086
	check $2
	status=$?
	rm -rf "$dir"
	exit $status
fi

for tool in spin "${CC:-cc}"; do
	command -v "$tool" >/dev/null || {
		echo "check.sh: $tool is not installed" >&2
		exit 1
	}
done
status=0
MEMLIM=1500 # megabytes, for each of them
export MEMLIM
quick_runs | xargs -P "${JOBS:-2}" -I '{}' "$0" --one '{}' || status=1
if [ "${1-}" != quick ]; then
	MEMLIM=3500
	long_runs | xargs -P 1 -I '{}' "$0" --one '{}' || status=1
fi
[ $status = 0 ] || echo "check.sh: not as expected, see FAIL above"
exit $status

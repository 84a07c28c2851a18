# SPDX-License-Identifier: GPL-2.0-or-later
# The core with a driver that is its own initiators (tests/vm/exercise): data both ways, commands that are dropped, nexuses
# that come and go under load, daemons that are killed, none at all, and the host's end under load.
# plan modules-load
# plan memory-for-io
# plan commands
# plan drops-and-departures
# plan commands-outlive-their-nexus
# plan daemons-killed
# plan daemons-killed-amid-drops
# plan no-daemon
# plan host-leaves-under-load
# plan modules-go
# plan kernel-is-content
. "$GUEST_DIR/lib/common"
. "$GUEST_DIR/lib/loop"

P=/sys/module/tgt_exercise/parameters
DAEMON=/run/exercise-daemon
PID=
count() { cat "$P/$1"; }
counts() { local name; for name in submitted good busy aborted dropped failed wrong tasks full; do echo -n "$name=$(count $name) "; done; echo; }
# more NAME BEGIN COUNT : whether the counter has come that much further
more() { [ "$(count "$1")" -ge $(($2 + $3)) ]; }
serve() { # [ARGUMENT...]
    $DAEMON "$HOST" 2 "$@" >/run/daemon.log 2>&1 &
    PID=$!
}
killed() { kill -9 "$PID"; wait "$PID"; true; }
nothing_wrong() { counts; [ "$(count wrong)" = 0 ]; }
same() { # BEFORE NAME
    [ "$(count "$2")" = "$1" ] || { echo "$2: $(count "$2"), before it was $1"; return 1; }
}

modules_load() {
    mount -t debugfs d /sys/kernel/debug 2>/dev/null
    cp /run/out/exercise-daemon $DAEMON && ramdisks 1 8 && insmod $MODULES/tgt_core.ko &&
        insmod $MODULES/tgt_exercise.ko quiet=1 burst=64 threads=0 && [ "$(stat -c %a /dev/tgt)" = 600 ]
}
check modules-load modules_load || exit 1
HOST=$(count number)
check memory-for-io $DAEMON "$HOST" --memory /dev/ram0
rmmod tgt_exercise
insmod $MODULES/tgt_exercise.ko quiet=1 burst=64 threads=6
HOST=$(count number)

commands() {
    serve
    eventually more good 0 2000 && nothing_wrong && same 0 aborted && same 0 busy
}
check commands commands
drops() {
    echo 0 >$P/quiet
    eventually more aborted 0 500 && eventually more dropped 0 200 && nothing_wrong && same 0 busy
    local status=$?
    echo 1 >$P/quiet
    return $status
}
check drops-and-departures drops
# What a nexus leaves behind when it goes, the daemon that holds it still has; nobody may look for the nexus then.
left_behind() { # COUNT : of commands, after the answer to NEXUS_LEFT
    local gone
    gone=$(cat /sys/kernel/debug/tgt/"$HOST"/*) || return
    [ "$(grep -c 'command gone' <<<"$gone")" -ge "$1" ] && ! grep -q 'left posted' <<<"$gone"
}
outlive() {
    killed 2>/dev/null
    serve --hold
    echo 0 >$P/quiet
    eventually left_behind 16
    local status=$?
    cat /sys/kernel/debug/tgt/"$HOST"/*
    ! grep ' gone .*nexus [1-9]' /sys/kernel/debug/tgt/"$HOST"/* || status=1
    echo 1 >$P/quiet
    killed 2>/dev/null
    serve
    return $status
}
check commands-outlive-their-nexus outlive
kills() { # COUNT
    local i begin
    for ((i = 0; i < $1; i++)); do
        killed 2>/dev/null
        begin=$(count good)
        serve $((i % 2 * (100 + RANDOM % 200)))
        if [ $((i % 2)) = 0 ]; then eventually more good "$begin" 200 || return; else wait "$PID"; fi
    done
    nothing_wrong && same 0 busy
}
daemons_killed() {
    local aborted
    # those that were dropped before come to their end first
    eventually more good "$(count good)" 500
    aborted=$(count aborted)
    kills 8 && same "$aborted" aborted
}
check daemons-killed daemons_killed 2>/dev/null
amid_drops() {
    echo 0 >$P/quiet
    kills 8
}
check daemons-killed-amid-drops amid_drops 2>/dev/null
no_daemon() {
    killed 2>/dev/null
    daemon_timeout 1
    eventually more busy 0 50 && nothing_wrong
    local status=$?
    daemon_timeout 60
    serve
    return $status
}
check no-daemon no_daemon
leaves() {
    eventually more good "$(count good)" 200
    nothing_wrong && rmmod tgt_exercise && wait "$PID"
    local status=$?
    cat /run/daemon.log
    return $status
}
check host-leaves-under-load leaves
check modules-go rmmod tgt_core
check kernel-is-content kernel_is_content

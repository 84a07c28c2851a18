# SPDX-License-Identifier: GPL-2.0-or-later
# A store that hangs: its device is suspended under write load. What initiators and administrators ask for is answered in
# bounded time, other units are not held up, and a write that comes back late never lands on newer data.
# plan daemon
# plan data-whole-after-resets-under-load
# plan file-show-is-quick
# plan file-other-unit-goes-on
# plan file-lu-reset-is-answered
# plan file-others-go-on-after-reset
# plan file-timed-out-command-is-aborted
# plan file-overlapping-write-is-not-done
# plan file-newer-data-stays
# plan file-unit-is-removed
# plan file-stuck-write-is-listed
# plan file-same-path-is-refused
# plan file-logout-is-answered
# plan file-target-is-removed
# plan file-nothing-stuck-after-resume
# plan file-newer-data-stays-after-removal
# plan stopped-daemon-gives-way
# plan stopped-daemon-keeps-its-path
# plan stopped-daemon-ends-after-resume
# plan stopped-daemon-returns-its-path
# plan stopped-daemon-is-replaced
# plan --all aio-show-is-quick
# plan --all aio-other-unit-goes-on
# plan --all aio-lu-reset-is-answered
# plan --all aio-others-go-on-after-reset
# plan --all aio-timed-out-command-is-aborted
# plan --all aio-overlapping-write-is-not-done
# plan --all aio-newer-data-stays
# plan --all aio-unit-is-removed
# plan --all aio-stuck-write-is-listed
# plan --all aio-same-path-is-refused
# plan --all aio-logout-is-answered
# plan --all aio-target-is-removed
# plan --all aio-nothing-stuck-after-resume
# plan --all aio-newer-data-stays-after-removal
# plan --all direct-show-is-quick
# plan --all direct-other-unit-goes-on
# plan --all direct-lu-reset-is-answered
# plan --all direct-others-go-on-after-reset
# plan --all direct-timed-out-command-is-aborted
# plan --all direct-overlapping-write-is-not-done
# plan --all direct-newer-data-stays
# plan --all direct-unit-is-removed
# plan --all direct-stuck-write-is-listed
# plan --all direct-same-path-is-refused
# plan --all direct-logout-is-answered
# plan --all direct-target-is-removed
# plan --all direct-nothing-stuck-after-resume
# plan --all direct-newer-data-stays-after-removal
. "$GUEST_DIR/lib/common"

MNT=/run/mnt
mkdir -p $MNT
modprobe brd rd_nr=3 rd_size=65536
modprobe -a iscsi_tcp sd_mod sg dm-mod ext4 crc32c_generic 2>/dev/null
# milliseconds for the emulation, on top of what is promised: how long this machine takes to start some programs
SLACK=$((3000 + 10 * $(time_of iscsiadm --version)))
bound_is() { adm -m system -o update -n abort-bound -v "$1" && BOUND=$(($1 * 1000 + SLACK)); }

# --- the stores: engine, path, and the file or device that shows what the medium holds ------------
suspendable() { dmsetup create "$1" --table "0 131072 linear /dev/$2 0"; }
devices() {
    suspendable aio ram0 && suspendable direct ram1 && suspendable file ram2 &&
        mkfs.ext4 -q /dev/mapper/file && mount /dev/mapper/file $MNT && truncate -s 32M $MNT/disk && sync
}
path_of() { if [ "$1" = file ]; then echo $MNT/disk; else echo "/dev/mapper/$1"; fi; }
engine_of() {
    case $1 in aio) echo "-E aio" ;; direct) echo "-E rdwr --bsoflags direct" ;; file) echo "-E rdwr" ;; esac
}
target_of() { echo "iqn.2001-04.org.example:$1"; }

# Unit 1 is the one that hangs, unit 2 is its neighbour in the same target.
# shellcheck disable=SC2046
add_unit() { adm -m logicalunit -o new -t 1 -l 1 -b "$(path_of "$1")" $(engine_of "$1"); }
configure() {
    truncate -s 64M /run/neighbour
    adm -L iscsi -m target -o new -t 1 -T "$(target_of "$1")" && add_unit "$1" &&
        adm -m logicalunit -o new -t 1 -l 2 -b /run/neighbour && adm -m target -o bind -t 1 -I ALL
}
iscsi() { iscsiadm -m node -T "$(target_of "$1")" -p $PORTAL "${@:2}"; }
log_in() {
    iscsiadm -m discovery -t sendtargets -p $PORTAL && iscsi "$1" --login &&
        eventually disk_of_initiator default 1 && eventually disk_of_initiator default 2 || return
    DISK=/dev/$(disk_of_initiator default 1) NEIGHBOUR=/dev/$(disk_of_initiator default 2)
    impatient "${DISK#/dev/}"
}
# What the kernel adds to a bound is its own: time-outs, five more attempts, SYNCHRONIZE CACHE at logout.
impatient() {
    local scsi_disk
    scsi_disk=$(echo "/sys/block/$1"/device/scsi_disk/*)
    echo "temporary write through" >"$scsi_disk/cache_type"
    echo "${2:-0}" >"$scsi_disk/max_retries"
    echo 2 >"/sys/block/$1/device/timeout"
}

# --- commands that are not repeated by the kernel: SCSI pass-through ------------------------------
# pattern NAME : a block of 4096 bytes
pattern() { yes "$1" | head -c 4096; }
# put NAME BLOCK SECONDS : WRITE(10) of the pattern; the kernel aborts it after so many seconds
put() {
    local lba
    lba=$(printf '%08x' $(($2 * 8)) | sed 's/../& /g')
    # shellcheck disable=SC2086
    pattern "$1" | sg_raw --timeout="$3" --send=4096 "$DISK" 2a 00 $lba 00 00 08 00
}
put_until_good() { eventually put "$1" "$2" 30; }
# holds NAME BLOCK STORE : whether the medium itself has the pattern there
holds() {
    case $3 in
        aio) dd if=/dev/ram0 bs=4k skip="$2" count=1 iflag=direct ;;
        direct) dd if=/dev/ram1 bs=4k skip="$2" count=1 iflag=direct ;;
        file) sync $MNT/disk && echo 3 >/proc/sys/vm/drop_caches && dd if=$MNT/disk bs=4k skip="$2" count=1 ;;
    esac 2>/dev/null | cmp - <(pattern "$1")
}

# start_load : writers in the middle of the unit, by the kernel's own path
start_load() {
    local number
    LOAD=
    for number in 1 2; do
        while [ -e /run/load ]; do
            dd if=/dev/zero of="$DISK" bs=64k seek=$((number * 64)) count=32 oflag=direct conv=notrunc 2>/dev/null || sleep 0.1
        done &
        LOAD="$LOAD $!"
    done
}
stop_load() {
    rm -f /run/load
    # shellcheck disable=SC2086
    wait $LOAD 2>/dev/null
}
# busy N : whether so many commands of the unit have not ended
busy() { [ "$(cat "/sys/block/${DISK#/dev/}/device/device_busy")" -ge "$1" ]; }
hang() {
    touch /run/load
    start_load
    eventually busy 1
    dmsetup suspend "$1"
}
# hang_with NAME BLOCK SECONDS STORE : with a write of ours among those that are stuck; no more follow when they end
hang_with() {
    hang "$4"
    put "$1" "$2" "$3" &
    STUCK=$!
    eventually busy 3
    rm -f /run/load
}

neighbour_io() {
    dd if=/dev/zero of="$NEIGHBOUR" bs=4k count=50 oflag=direct conv=notrunc && dd if="$NEIGHBOUR" of=/dev/null bs=4k count=50 iflag=direct
}
# A new write waits for the old one as long as an abort may last; then it ends with NOT READY (2), not later by itself.
refused_while_stuck() {
    local status=6
    while [ $status -eq 6 ]; do # unit attentions
        put new 10 20
        status=$?
    done
    [ $status -eq 2 ]
}
show() { adm -m target -o show; }
# The kernel aborts one command and has no reason to do more. When it does so is its own: after the command's time it
# asks for a ping's answer first. How long our answer takes is in its log.
aborted_alone() {
    eventually sg_turs "$DISK" # the reset's unit attention
    dmesg -C
    echo 1 >/sys/module/libiscsi/parameters/debug_libiscsi_eh
    fails_within 120000 put x 30 2
    local failed=$?
    echo 0 >/sys/module/libiscsi/parameters/debug_libiscsi_eh
    dmesg
    [ $failed -eq 0 ] && ! dmesg | grep -iE 'conn error|recovery|device_reset|target_reset|offline' &&
        dmesg | tr -d '[]' | awk -v bound=$BOUND '
            /iscsi_eh_abort aborting sc .* itt/ { begin = $1 }
            /iscsi_eh_abort abort success/ { ended++; if (($1 - begin) * 1000 > bound) late = 1 }
            END { exit !(ended == 1 && !late) }'
}
stuck_listed() { adm --json -m system -o show | tr -d ' \n' | grep -o '"graveyard":\[[^]]*\]' | grep -q "\"$(path_of "$1")\""; }
nothing_stuck() { ! stuck_listed "$1"; }
refused_path() { fails_within $BOUND add_unit "$1"; }

# Before the kernel asks for the logout it waits for its commands. iscsid takes silence for an answer.
logs_out() {
    within 120000 iscsi "$1" --logout && tail -n 2 /run/tgtd.log | tee /dev/stderr | grep -q 'closes: finished'
}

# --- the whole story for one store ----------------------------------------------------------------
reset_and_go_on() {
    local store=$1 io show
    io=$((3 * $(time_of neighbour_io) + 1000)) show=$((3 * $(time_of show) + 1000))
    hang_with old 10 60 "$store"
    others_go_on() { within $show show && within $io neighbour_io; }
    check "$store-show-is-quick" within $show show
    check "$store-other-unit-goes-on" within $io neighbour_io
    check "$store-lu-reset-is-answered" within $BOUND sg_reset --device "$DISK"
    check "$store-others-go-on-after-reset" others_go_on
    check "$store-timed-out-command-is-aborted" aborted_alone
    wait $STUCK
    check "$store-overlapping-write-is-not-done" within $BOUND refused_while_stuck
    put_until_good new 10 &
    local writer=$!
    sleep 0.5
    dmsetup resume "$store"
    newer_stays() { wait $writer && stop_load && sleep 0.5 && holds new 10 "$store"; }
    check "$store-newer-data-stays" newer_stays
}
remove_and_attach_again() {
    local store=$1
    hang_with older 11 2 "$store"
    check "$store-unit-is-removed" within $BOUND adm -m logicalunit -o delete -t 1 -l 1
    check "$store-stuck-write-is-listed" stuck_listed "$store"
    check "$store-same-path-is-refused" refused_path "$store"
    check "$store-logout-is-answered" logs_out "$store"
    check "$store-target-is-removed" within $BOUND adm -m target -o delete --force -t 1
    dmsetup resume "$store"
    check "$store-nothing-stuck-after-resume" wait_for 60 nothing_stuck "$store"
    attach_again() { configure "$store" && log_in "$store" && put_until_good newer 11 && sleep 0.5 && holds newer 11 "$store"; }
    check "$store-newer-data-stays-after-removal" attach_again
}

# --- LU RESET while all is well --------------------------------------------------------------------
resets_under_load() {
    dd if=/dev/urandom of=/run/source bs=1M count=16 && dd if=/run/source of="$DISK" bs=64k oflag=direct conv=notrunc &
    local writer=$! resets=0
    impatient "${DISK#/dev/}" 5
    while kill -0 $writer 2>/dev/null; do
        sg_reset --device "$DISK" || return
        resets=$((resets + 1))
        sleep 0.5
    done
    echo "$resets resets"
    wait $writer && [ $resets -ge 2 ] && cmp -n 16777216 /run/source "$DISK" && impatient "${DISK#/dev/}"
}

check daemon start_tgtd || exit 1
devices
start_iscsid
# The whole story takes the longer, the longer the bound: the default of 5 s is seen once.
STORES="file"
[ -n "$ALL" ] && STORES="aio direct file"
for store in $STORES; do
    if [ $store = aio ]; then BOUND=$((5000 + SLACK)); else bound_is 1; fi
    if ! { configure $store && log_in $store; }; then
        not_ok $store-lu-reset-is-answered "cannot start"
        continue
    fi
    [ $store = file ] && check data-whole-after-resets-under-load resets_under_load
    reset_and_go_on $store
    remove_and_attach_again $store
    [ $store = file ] && break
    iscsi $store --logout >/dev/null
    adm -m target -o delete --force -t 1
done

# --- the daemon is stopped while its store hangs ---------------------------------------------------
# What the kernel does not give back keeps the old process; nothing else of it may stand in the way of a new one.
OLD=$TGTD_PID
new_daemon() { tgtd_at 127.0.0.1:3261; }
gives_way() {
    hang_with last 12 60 file
    kill -TERM "$OLD" && wait_for 60 new_daemon && adm -L iscsi -m target -o new -t 1 -T "$(target_of file)"
}
check stopped-daemon-gives-way gives_way
check stopped-daemon-keeps-its-path refused_path file
dmsetup resume file
ended() { ! kill -0 "$OLD"; }
check stopped-daemon-ends-after-resume wait_for 60 ended
check stopped-daemon-returns-its-path wait_for 60 add_unit file
# The initiator has waited; it finds the unit at the old place.
replaced() {
    adm -m target -o bind -t 1 -I ALL && adm -L iscsi -m portal -o new --param portal=$PORTAL &&
        put_until_good newest 12 && holds newest 12 file
}
check stopped-daemon-is-replaced replaced

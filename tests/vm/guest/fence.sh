# SPDX-License-Identifier: GPL-2.0-or-later
# Clusters that share a disk: persistent reservations by sg_persist and fence_scsi, felt by the kernel's reads and writes.
# plan daemon
# plan three-nodes
# plan no-state-dir-no-ptpl
# plan no-state-dir-refuses-aptpl
# plan type-1-write-exclusive
# plan type-3-exclusive-access
# plan type-5-write-exclusive-registrants-only
# plan type-6-exclusive-access-registrants-only
# plan type-7-write-exclusive-all-registrants
# plan type-8-exclusive-access-all-registrants
# plan release-lets-everybody-in
# plan preempt-and-abort-stops-the-writer
# plan preempted-node-is-told
# plan preempted-node-is-kept-out
# plan preempting-node-goes-on
# plan registering-again-lets-it-in
# plan registration-survives-logout
# plan clear-removes-all
# plan fence-scsi-on
# plan fence-scsi-monitor
# plan fence-scsi-off
# plan fence-scsi-status
# plan state-dir-ptpl
# plan aptpl-register-and-reserve
# plan killed-daemon-returns
# plan first-write-after-restart-is-refused
# plan registrant-writes-after-restart
# plan keys-are-back
# plan reservation-is-back
# plan aptpl-0-is-forgotten
. "$GUEST_DIR/lib/common"

TARGET=iqn.2001-04.org.example:cluster
NODES="node-a node-b node-c"
STATE=/run/state
mkdir -p $STATE
modprobe -a iscsi_tcp sd_mod sg crc32c_generic 2>/dev/null

configure() {
    truncate -s 64M /run/shared
    adm -L iscsi -m target -o new -t 1 -T $TARGET && adm -m logicalunit -o new -t 1 -l 1 -b /run/shared &&
        adm -m target -o bind -t 1 -I ALL
}
start_and_configure() { start_tgtd "$@" && configure; }

iscsi() { iscsiadm -m node -T $TARGET -p $PORTAL "$@"; }
disk() { echo "/dev/$(disk_of_initiator "$1")"; }
log_in() { iscsi -I "$1" --login && eventually disk_of_initiator "$1"; }
log_in_all() {
    local node
    for node in $NODES; do add_initiator "$node" || return; done
    iscsiadm -m discovery -t sendtargets -p $PORTAL -I node-a -I node-b -I node-c || return
    for node in $NODES; do log_in "$node" || return; done
}

# settle NODE : take the unit attentions, which a pass-through command would meet
settle() { eventually sg_turs -v "$(disk "$1")"; }
settle_all() {
    local node
    for node in $NODES; do settle "$node" || return; done
}
# pr NODE OPTION... : PERSISTENT RESERVE IN or OUT by this node
pr() {
    settle "$1" && sg_persist --no-inquiry "${@:2}" -d "$(disk "$1")"
}
key_of() { case $1 in node-a) echo 0xa1 ;; node-b) echo 0xb2 ;; *) echo 0xc3 ;; esac; }
register() { pr "$1" --out --register-ignore --param-sark="$(key_of "$1")" "${@:2}"; }
reserve() { pr "$1" --out --reserve --param-rk="$(key_of "$1")" --prout-type="$2"; }
release() { pr "$1" --out --release --param-rk="$(key_of "$1")" --prout-type="$2"; }
clear_all() { register node-a && pr node-a --out --clear --param-rk=0xa1; }
keys() { pr "$1" --in --read-keys | grep -oE '0x[0-9a-f]+$' | sort | tr '\n' ' '; }
holds_type() { pr "$1" --in --read-reservation | grep -q "$2"; }

# A reservation conflict reaches programs as EBADE, "Invalid exchange".
attempt() {
    local error
    error=$(LC_ALL=C dd "$@" 2>&1 >/dev/null) && { echo yes; return; }
    case $error in *"Invalid exchange"*) echo no ;; *) echo "error: $error" ;; esac
}
may_read() { attempt if="$(disk "$1")" bs=4k count=1 iflag=direct; }
may_write() { attempt if=/dev/zero of="$(disk "$1")" bs=4k count=1 seek=8 oflag=direct conv=notrunc; }
# expect NODE READ WRITE
expect() {
    local read write
    read=$(may_read "$1") write=$(may_write "$1")
    echo "$1: read $read (expected $2), write $write (expected $3)"
    [ "$read $write" = "$2 $3" ]
}
# type_is TYPE REGISTRANT STRANGER : what node-b (registered) and node-c (not) may do, as "read write"
type_is() {
    # shellcheck disable=SC2086
    register node-a && register node-b && reserve node-a "$1" &&
        expect node-a yes yes && expect node-b $2 && expect node-c $3 && release node-a "$1"
}

check daemon start_and_configure || exit 1
start_iscsid
check three-nodes log_in_all || exit 1

# --- without a state directory ------------------------------------------------------------------
ptpl_is() { pr node-a --in --report-capabilities | grep -q "(PTPL_C): $1"; }
refuses_aptpl() {
    register node-a --param-aptpl
    [ $? -eq 5 ] && [ -z "$(keys node-a)" ] # 5: ILLEGAL REQUEST
}
check no-state-dir-no-ptpl ptpl_is 0
check no-state-dir-refuses-aptpl refuses_aptpl

# --- who may do what (SPC-4 table 66) -------------------------------------------------------------
check type-1-write-exclusive type_is 1 "yes no" "yes no"
check type-3-exclusive-access type_is 3 "no no" "no no"
check type-5-write-exclusive-registrants-only type_is 5 "yes yes" "yes no"
check type-6-exclusive-access-registrants-only type_is 6 "yes yes" "no no"
check type-7-write-exclusive-all-registrants type_is 7 "yes yes" "yes no"
check type-8-exclusive-access-all-registrants type_is 8 "yes yes" "no no"
check release-lets-everybody-in expect node-c yes yes

# --- one node fences another that writes ------------------------------------------------------------
writer() {
    local verdict=yes
    while [ "$verdict" = yes ]; do verdict=$(may_write node-b); done
    echo "$verdict" >/run/writer
}
fence_writer() {
    register node-a && register node-b && reserve node-a 5 || return
    writer &
    sleep 0.5
    kill -0 $! || return
    pr node-a --out --preempt-abort --param-rk=0xa1 --param-sark=0xb2 --prout-type=5 &&
        wait $! && [ "$(cat /run/writer)" = no ]
}
check preempt-and-abort-stops-the-writer fence_writer
check preempted-node-is-kept-out expect node-b yes no
check preempting-node-goes-on expect node-a yes yes
comes_back() { register node-b && expect node-b yes yes; }
check registering-again-lets-it-in comes_back
# An idle node learns it from a unit attention (SPC-4 5.12.11.2.5).
told() {
    settle node-b && pr node-a --out --preempt --param-rk=0xa1 --param-sark=0xb2 --prout-type=5 &&
        sg_turs -vv "$(disk node-b)" 2>&1 | tee /dev/stderr | grep -qi "registrations preempted"
}
check preempted-node-is-told told
# The initiator port is name and ISID; the kernel numbers its sessions in the ISID, from 1 after a reboot of the machine.
reboot_nodes() {
    iscsi --logout && kill -9 "$ISCSID_PID"
    wait "$ISCSID_PID" 2>/dev/null
    modprobe -r iscsi_tcp libiscsi_tcp libiscsi scsi_transport_iscsi && modprobe iscsi_tcp && start_iscsid || return
    local node
    for node in $NODES; do log_in "$node" || return; done
}
survives_logout() {
    register node-b && reboot_nodes && [ "$(keys node-c)" = "0xa1 0xb2 " ] &&
        expect node-b yes yes && expect node-a yes yes && expect node-c yes no
}
check registration-survives-logout survives_logout
clears() { clear_all && [ -z "$(keys node-b)" ] && expect node-c yes yes; }
check clear-removes-all clears

# --- fence_scsi, the cluster's agent ------------------------------------------------------------
# fence NODE ACTION KEY : as on this node's machine; the agent keeps its own key in a file
fence() { fence_scsi --devices="$(disk "$1")" --action="$2" --key="$3"; }
unfence() {
    fence node-b on b2 && fence node-a on a1 && [ "$(keys node-a)" = "0xa1 0xb2 " ] &&
        holds_type node-a "Write Exclusive, registrants only" && expect node-b yes yes && expect node-c yes no
}
check fence-scsi-on unfence
check fence-scsi-monitor fence node-a monitor a1
fenced() { fence node-a off b2 && [ "$(keys node-a)" = "0xa1 " ] && expect node-b yes no && expect node-a yes yes; }
check fence-scsi-off fenced
status() { fence node-a status a1 && ! fence node-a status b2; }
check fence-scsi-status status
clear_all

# --- reservations that outlive the daemon ---------------------------------------------------------
restart() {
    kill_tgtd
    rm -f $STATE/state.db*
    again configure "$@"
}
# Target, disk, rule and portal come back by themselves.
comes_again() { tgtd_at 127.0.0.1:3261 --state-dir $STATE; }
with_state_dir() { restart --state-dir $STATE && settle_all && ptpl_is 1; }
check state-dir-ptpl with_state_dir || exit 1
reserve_for_good() {
    register node-a --param-aptpl && register node-b --param-aptpl && reserve node-a 5 && expect node-c yes no
}
check aptpl-register-and-reserve reserve_for_good
kill_tgtd
may_write node-c >/run/first-write & # waits in the initiator for the daemon's return
FIRST=$!
sleep 1
check killed-daemon-returns comes_again || exit 1
refused_first() {
    wait $FIRST
    cat /run/first-write
    [ "$(cat /run/first-write)" = no ]
}
check first-write-after-restart-is-refused refused_first
check registrant-writes-after-restart expect node-b yes yes
keys_are_back() { [ "$(keys node-c)" = "0xa1 0xb2 " ]; }
check keys-are-back keys_are_back
check reservation-is-back holds_type node-b "Write Exclusive, registrants only"
forgotten() {
    settle_all && register node-a && restart --state-dir $STATE && settle_all && [ -z "$(keys node-a)" ] &&
        expect node-c yes yes
}
check aptpl-0-is-forgotten forgotten

# SPDX-License-Identifier: GPL-2.0-or-later
# SCSI devices of the guest (scsi_debug), given to initiators as they are: by sg and by bsg. Every answer over iSCSI is
# compared with the device's own.
# plan daemon
# plan shown-as-passthrough
# plan two-luns-on-one-device
# plan wrong-pairs-are-refused
# plan sg-same-identity
# plan sg-same-pages
# plan sg-same-refusals
# plan sg-written-data-is-on-the-device
# plan sg-same-data
# plan sg-same-large-data
# plan sg-same-long-cdb
# plan sg-same-medium-error
# plan sg-same-recovered-error-with-data
# plan sg-mode-select-reaches-the-device
# plan sg-unit-attention-passes
# plan sg-late-command-times-out
# plan sg-stuck-command-is-reset
# plan sg-goes-on-after-reset
# plan sg-removed-device-is-not-ready
# plan sg-device-back-serves-by-itself
# plan bsg-same-identity
# plan bsg-same-pages
# plan bsg-same-refusals
# plan bsg-written-data-is-on-the-device
# plan bsg-same-data
# plan bsg-same-large-data
# plan bsg-same-long-cdb
# plan bsg-same-medium-error
# plan bsg-same-recovered-error-with-data
# plan bsg-mode-select-reaches-the-device
# plan bsg-unit-attention-passes
# plan bsg-late-command-times-out
# plan bsg-stuck-command-is-reset
# plan bsg-goes-on-after-reset
# plan bsg-removed-device-is-not-ready
# plan bsg-device-back-serves-by-itself
. "$GUEST_DIR/lib/common"

TARGET=iqn.2001-04.org.example:passthrough
DEBUG=/sys/bus/pseudo/drivers/scsi_debug
modprobe -a iscsi_tcp sd_mod sg 2>/dev/null
modprobe scsi_debug dev_size_mb=16 add_host=2 delay=0 per_host_store=1

# --- the devices: adapter 0 is exported by sg, adapter 1 by bsg --------------------------------------
host_of() { ls -d $DEBUG/adapter"$1"/host*; }
place_of() { basename "$(echo "$(host_of "$1")"/target*/*:*:*:*)"; }
sg_of() { basename "$(echo "$(host_of "$1")"/target*/*/scsi_generic/sg*)"; }
there() { [ -e "/dev/$(sg_of "$1")" ] && [ -e "/dev/bsg/$(place_of "$1")" ] && ls "$(host_of "$1")"/target*/*/block/*/size; }
unplug() { echo 1 >"$(echo "$(host_of "$1")"/target*/*/delete)"; }
plug_in() { echo "- - -" >"$(echo "$(host_of "$1")"/scsi_host/host*/scan)"; }

unit() { adm -m logicalunit -o new -t 1 "$@"; }
configure() {
    eventually there 0 && eventually there 1 &&
        mkdir -p /run/by-id && ln -sfn "/dev/$(sg_of 0)" /run/by-id/sg && ln -sfn "/dev/bsg/$(place_of 1)" /run/by-id/bsg &&
        start_tgtd --abort-bound 1 && adm -L iscsi -m target -o new -t 1 -T $TARGET &&
        unit -l 1 -Y pt -E sg -b /run/by-id/sg && unit -l 2 -Y pt -E bsg -b /run/by-id/bsg &&
        adm -m target -o bind -t 1 -I ALL
}
log_in() {
    start_iscsid && iscsiadm -m discovery -t sendtargets -p $PORTAL && iscsiadm -m node -T $TARGET -p $PORTAL --login &&
        eventually disk_of_initiator default 1 && eventually disk_of_initiator default 2
}
check daemon eval 'configure && log_in' || exit 1

# direct LUN, remote LUN : the same device without and with the daemon
direct() { echo "/dev/$(sg_of $(($1 - 1)))"; }
remote() { echo "/dev/$(disk_of_initiator default "$1")"; }
# A disk's node gives each command 7 s at least.
remote_sg() { echo "/dev/$(basename /sys/block/"$(disk_of_initiator default "$1")"/device/scsi_generic/sg*)"; }

# --- management -------------------------------------------------------------------------------------
shown() {
    adm -m target -o show >/run/show && cat /run/show &&
        [ "$(grep -c "Type: passthrough" /run/show)" = 2 ] && [ "$(grep -c "Size: 0 MB, Block size: 1" /run/show)" = 3 ] &&
        grep -q "Backing store type: bsg" /run/show && grep -q "Backing store path: /run/by-id/sg$" /run/show &&
        [ "$(adm -m system -o show | grep -A2 "Backing stores:" | tr -s ' \n' ' ')" = "Backing stores: bsg sg " ]
}
check shown-as-passthrough shown
shared() {
    unit -l 3 -Y pt -E sg -b "/dev/$(sg_of 0)" && adm -m logicalunit -o delete -t 1 -l 3 &&
        ! unit -l 3 -Y pt -E bsg -b "/dev/bsg/$(place_of 0)"
}
check two-luns-on-one-device shared
# refused WORDS OPTION... : tgtadm ends with 22 and says so
refused() {
    local said status
    said=$(unit -l 9 "${@:2}" 2>&1)
    status=$?
    echo "$status: $said"
    [ $status -eq 22 ] && [[ $said == *"$1"* ]]
}
wrong_pairs() {
    refused "needs the backing store type bsg or sg" -Y pt -E rdwr -b /run/by-id/sg &&
        refused "needs the backing store type bsg or sg" -Y pt -b /run/by-id/sg &&
        refused "is for the device type pt" -E sg -b /run/by-id/sg &&
        refused "such are called /dev/sgN" -Y pt -E sg -b /dev/null &&
        refused "such are called /dev/sgN" -Y pt -E sg -b "/dev/bsg/$(place_of 0)" &&
        refused "such are called /dev/bsg/" -Y pt -E bsg -b /dev/vcs &&
        refused "is the module sg loaded" -Y pt -E sg -b /dev/sg99 &&
        refused "the only one is timeout=SECONDS" -Y pt -E sg -b "/dev/$(sg_of 1)" -S speed=9
}
check wrong-pairs-are-refused wrong_pairs

# --- commands ---------------------------------------------------------------------------------------
scsi() { python3 "$GUEST_DIR/lib/scsi_device.py" "$@"; }
same() { scsi same "$(direct "$1")" "$(remote "$1")" "$2"; }
TUR=000000000000
ready() { scsi expect "$(remote "$1")" 0/00/00 $TUR; }
# calm LUN : no unit attention is left over
calm() { scsi expect "$(direct "$1")" 0/00/00 $TUR || scsi expect "$(direct "$1")" 0/00/00 $TUR; }
write_and_compare() {
    head -c 1M /dev/urandom >/run/data && dd if=/run/data of="$(remote "$1")" bs=256k oflag=direct &&
        dd if="$(direct_disk "$1")" bs=256k count=4 iflag=direct | cmp - /run/data
}
direct_disk() { echo "/dev/$(basename "$(host_of $(($1 - 1)))"/target*/*/block/*)"; }
with_opts() { # OPTS COMMAND... : scsi_debug injects errors meanwhile
    local status
    echo "$1" >$DEBUG/opts
    "${@:2}"
    status=$?
    echo 0 >$DEBUG/opts
    return $status
}
medium_error() {
    with_opts 2 same "$1" medium-error &&
        with_opts 2 scsi expect "$(remote "$1")" 3/11/00 28000000123400000800 --length 4096
}
recovered() {
    local status
    echo 1 >$DEBUG/every_nth
    with_opts 8 same "$1" recovered && with_opts 8 scsi expect "$(remote "$1")" 1/5d/00 28000000000800000800 --length 4096
    status=$?
    echo 0 >$DEBUG/every_nth
    return $status
}
# The caching page's WCE bit, which all disks of scsi_debug share: the initiator turns it off by LUN 1, on by LUN 2.
wce() { sg_modes --page=8 --raw "$1" 2>/dev/null | od -An -tx1 -v | tr -d ' \n'; }
mode_select() {
    local before after
    before=$(wce "$(direct "$1")")
    sg_wr_mode --page=8 --contents=8,12,$(($1 == 2 ? 4 : 0)),0 --mask=ff,ff,4,0 "$(remote "$1")" && calm "$1" || return
    after=$(wce "$(direct "$1")")
    echo "before $before, after $after"
    [ -n "$after" ] && [ "$before" != "$after" ] && same "$1" pages
}
attention() { # the device's own, once
    sg_reset --no-esc --device "$(direct "$1")" && scsi expect "$(remote "$1")" 6/29/00 $TUR && ready "$1"
}
late() { # the kernel's own time limit for the device, which is 7 s at least by bsg; the delay is 3 or 9 s
    adm -m logicalunit -o update -t 1 -l "$1" -P timeout=1 && echo $(($1 == 2 ? 2250 : 750)) >$DEBUG/delay &&
        scsi expect "$(remote "$1")" b/2e/02 28000000000800000800 --length 4096
    local status=$?
    eventually quiet && adm -m logicalunit -o update -t 1 -l "$1" -P timeout=30 && [ $status -eq 0 ]
}
quiet() { echo 0 >$DEBUG/delay; }
# resets LUN : how often the initiator has met the device's own unit attention 29h
resets() { dmesg | grep -c "$(basename "$(readlink "/sys/block/$(disk_of_initiator default "$1")/device")"):.*Power-on or device reset"; }
stuck() { # the initiator gives up, its abort is refused, and its LU reset reaches the device
    local before status
    before=$(resets "$1")
    echo 2500 >$DEBUG/delay # jiffies: 10 s
    scsi expect "$(remote_sg "$1")" none 28000000000800000800 --length 4096 --timeout 1000 --give-up
    status=$?
    eventually quiet && eventually ready "$1"
    echo "before $before, now $(resets "$1")"
    dmesg | tail -n 12
    [ $status -eq 0 ] && [ "$(resets "$1")" -gt "$before" ]
}
not_ready() { scsi expect "$(remote "$1")" 2/04/00 $TUR; }

prove() { # LUN NAME
    local lun=$1 name=$2
    calm "$lun" >/dev/null
    check "$name-same-identity" same "$lun" identity
    check "$name-same-pages" same "$lun" pages
    check "$name-same-refusals" same "$lun" refusals
    check "$name-written-data-is-on-the-device" write_and_compare "$lun"
    check "$name-same-data" same "$lun" data
    check "$name-same-large-data" same "$lun" large
    check "$name-same-long-cdb" same "$lun" long-cdb
    check "$name-same-medium-error" medium_error "$lun"
    check "$name-same-recovered-error-with-data" recovered "$lun"
    check "$name-mode-select-reaches-the-device" mode_select "$lun"
    check "$name-unit-attention-passes" attention "$lun"
    check "$name-late-command-times-out" late "$lun"
    check "$name-stuck-command-is-reset" stuck "$lun"
    check "$name-goes-on-after-reset" eventually ready "$lun"
    unplug $((lun - 1))
    check "$name-removed-device-is-not-ready" eventually not_ready "$lun"
    back() {
        plug_in $((lun - 1)) && eventually there $((lun - 1)) && ln -sfn "/dev/$(sg_of 0)" /run/by-id/sg &&
            ln -sfn "/dev/bsg/$(place_of 1)" /run/by-id/bsg && eventually ready "$lun" && same "$lun" data
    }
    check "$name-device-back-serves-by-itself" back
}
prove 1 sg
prove 2 bsg

# SPDX-License-Identifier: GPL-2.0-or-later
# What backs a unit goes away and comes back, grows, shrinks, or has no space left.
# plan daemon
# plan device-gone-is-not-ready
# plan device-gone-burns-no-cpu
# plan device-gone-neighbour-goes-on
# plan other-device-is-not-taken
# plan device-back-serves-by-itself
# plan device-back-has-its-data
# plan dead-file-system-fails-at-once
# plan file-system-gone-is-not-ready
# plan file-system-gone-neighbour-goes-on
# plan file-system-back-serves-by-itself
# plan file-system-back-has-its-data
# plan file-system-back-flush-failure-stays
# plan file-system-back-writes-when-judged
# plan lazily-unmounted-file-goes-on
# plan detached-loop-device-goes-on
# plan grown-file-is-announced
# plan grown-file-has-the-new-size
# plan grown-dm-device-is-announced
# plan grown-dm-device-has-the-new-size
# plan grown-loop-device-is-announced
# plan grown-loop-device-has-the-new-size
# plan shrunk-file-keeps-its-capacity
# plan reads-past-the-end-fail
# plan full-file-system-is-space-allocation-failed
# plan full-file-system-is-no-space-for-programs
# plan overwriting-goes-on-when-full
# plan writes-again-when-there-is-space
. "$GUEST_DIR/lib/common"

TARGET=iqn.2001-04.org.example:backend
modprobe brd rd_nr=3 rd_size=65536
modprobe -a iscsi_tcp sd_mod sg dm-mod loop ext4 crc32c_generic 2>/dev/null
modprobe scsi_debug dev_size_mb=32 add_host=2 delay=0
mkdir -p /run/{fs,full,lazy}

# --- what backs the units ---------------------------------------------------------------------------
# A machine's disks: /run/by-id/1 and 2 are the links that udev would keep.
hosts() { ls -d /sys/bus/pseudo/drivers/scsi_debug/adapter"$1"/host*; }
disk_at() { ls "$(hosts "$1")"/target*/*/block; }
link_disk() { eventually disk_at "$1" && ln -sfn "/dev/$(disk_at "$1")" /run/by-id/"$1"; }
pull_disk() { echo 1 >"$(echo "$(hosts "$1")"/target*/*/delete)"; }
push_disk() { echo "- - -" >"$(echo "$(hosts "$1")"/scsi_host/host*/scan)"; }

stores() {
    mkdir -p /run/by-id
    link_disk 0 && link_disk 1 && mkfs.ext4 -q /run/by-id/1 && mount /run/by-id/1 /run/fs && truncate -s 16M /run/fs/disk &&
        truncate -s 32M /run/neighbour /run/grow /run/shrink /run/loop-grow /run/loop-detach &&
        dmsetup create grow --table "0 65536 linear /dev/ram0 0" &&
        losetup /dev/loop0 /run/loop-grow && losetup /dev/loop1 /run/loop-detach &&
        mkfs.ext4 -q /dev/ram1 && mount /dev/ram1 /run/full && truncate -s 128M /run/full/disk &&
        mkfs.ext4 -q /dev/ram2 && mount /dev/ram2 /run/lazy && truncate -s 16M /run/lazy/disk && sync
}

DEVICE=1 NEIGHBOUR=2 FILE=3 LAZY=4 DETACHED=5 GROW_FILE=6 GROW_DM=7 GROW_LOOP=8 SHRINK=9 FULL=10
unit() { adm -m logicalunit -o new -t 1 -l "$@"; }
configure() {
    adm -L iscsi -m target -o new -t 1 -T $TARGET && unit $DEVICE -b /run/by-id/0 && unit $NEIGHBOUR -b /run/neighbour &&
        unit $FILE -b /run/fs/disk && unit $LAZY -b /run/lazy/disk && unit $DETACHED -b /dev/loop1 &&
        unit $GROW_FILE -b /run/grow && unit $GROW_DM -b /dev/mapper/grow && unit $GROW_LOOP -b /dev/loop0 &&
        unit $SHRINK -b /run/shrink && unit $FULL -b /run/full/disk && adm -m target -o bind -t 1 -I ALL
}
start_and_configure() {
    stores && start_tgtd && configure && start_iscsid && iscsiadm -m discovery -t sendtargets -p $PORTAL &&
        iscsiadm -m node -T $TARGET -p $PORTAL --login && eventually disk_of_initiator default $FULL
}
disk() { echo "/dev/$(disk_of_initiator default "$1")"; }

# --- commands ----------------------------------------------------------------------------------------
pattern() { yes "$1" | head -c 4096; }
# put UNIT NAME BLOCK : WRITE(10) with FUA, so that nothing waits in a cache when the store goes
put() {
    local lba
    lba=$(printf '%08x' $(($3 * 8)) | sed 's/../& /g')
    # shellcheck disable=SC2086
    pattern "$2" | sg_raw --timeout=20 --send=4096 "$(disk "$1")" 2a 08 $lba 00 00 08 00
}
# good COMMAND... : repeats it once for each unit attention (6)
good() {
    local status tries=4
    until "$@"; do
        status=$?
        tries=$((tries - 1))
        [ $status -eq 6 ] && [ $tries -gt 0 ] || return $status
    done
}
# fails_with CATEGORY COMMAND... : sg3_utils end with the sense key's category
NOT_READY=2 DATA_PROTECT=7
fails_with() {
    local status
    good "${@:2}"
    status=$?
    echo "status $status, expected is $1"
    [ $status -eq "$1" ]
}
holds() { dd if="$(disk "$1")" bs=4k skip="$3" count=1 iflag=direct 2>/dev/null | cmp - <(pattern "$2"); }
goes_on() { good put "$1" still 5 && holds "$1" still 5; }
ready() { sg_turs "$(disk "$1")"; }
# not_ready UNIT : every kind of command says so, and at once
not_ready() {
    within 10000 fails_with $NOT_READY put "$1" x 3 && within 5000 fails_with $NOT_READY ready "$1" &&
        fails_within 30000 dd if="$(disk "$1")" of=/dev/null bs=4k skip=9 count=1 iflag=direct
}
ticks() { awk '{print $14 + $15}' "/proc/$TGTD_PID/stat"; }
idle() { # less than a fifth of one CPU
    local before
    before=$(ticks)
    sleep 3
    local used=$(($(ticks) - before))
    echo "$used ticks of 300"
    [ $used -lt 60 ]
}

check daemon start_and_configure || exit 1

# --- a device -----------------------------------------------------------------------------------------
good put $DEVICE mine 3
pull_disk 0
check device-gone-is-not-ready not_ready $DEVICE
check device-gone-burns-no-cpu idle
check device-gone-neighbour-goes-on goes_on $NEIGHBOUR
stranger() {
    dd if=/dev/zero of=/run/stranger bs=1M count=32 && losetup /dev/loop2 /run/stranger && ln -sfn /dev/loop2 /run/by-id/0 &&
        sleep 4 && fails_with $NOT_READY ready $DEVICE
}
check other-device-is-not-taken stranger
back() { push_disk 0 && link_disk 0 && eventually ready $DEVICE; }
check device-back-serves-by-itself back
has_its_data() { holds "$1" mine 3 && good put "$1" more 4 && holds "$1" more 4; }
check device-back-has-its-data has_its_data $DEVICE

# --- a file system ------------------------------------------------------------------------------------
# Its device dies first: then the file is there and fails. Unmounted, it is gone.
good put $FILE mine 3
good put $FILE cold 100
echo 3 >/proc/sys/vm/drop_caches
pull_disk 1
fails_at_once() { fails_within 10000 good put $FILE x 3; }
check dead-file-system-fails-at-once fails_at_once
umount -l /run/fs
not_ready_any_more() { echo 3 >/proc/sys/vm/drop_caches && ! holds $FILE cold 100 && fails_with $NOT_READY ready $FILE; }
check file-system-gone-is-not-ready eventually not_ready_any_more
check file-system-gone-neighbour-goes-on goes_on $NEIGHBOUR
mounted_again() { push_disk 1 && link_disk 1 && mount /run/by-id/1 /run/fs && eventually ready $FILE; }
check file-system-back-serves-by-itself mounted_again
check file-system-back-has-its-data holds $FILE mine 3
# FUA has failed once, and what else has not been written nobody knows.
MEDIUM_ERROR=3
check file-system-back-flush-failure-stays fails_with $MEDIUM_ERROR put $FILE x 4
judged() { adm -m logicalunit -o update -t 1 -l $FILE -P flush_failed=0 && has_its_data $FILE; }
check file-system-back-writes-when-judged judged

# The handle keeps these alive: nothing is lost, and nobody is told.
umount -l /run/lazy
check lazily-unmounted-file-goes-on goes_on $LAZY
losetup -d /dev/loop1
check detached-loop-device-goes-on goes_on $DETACHED

# --- growth and its opposite --------------------------------------------------------------------------
announced() {
    sg_turs "$(disk "$1")" # whatever the initiator sends next meets the unit attention
    dmesg | grep -q "$(basename "$(readlink "/sys/block/$(disk_of_initiator default "$1")/device")").*Capacity data has changed"
}
has_size() { echo 1 >"/sys/block/$(disk_of_initiator default "$1")/device/rescan" && [ "$(blockdev --getsize64 "$(disk "$1")")" = "$2" ]; }
grow_dm() { dmsetup suspend grow && dmsetup reload grow --table "0 131072 linear /dev/ram0 0" && dmsetup resume grow; }
truncate -s 64M /run/grow
check grown-file-is-announced eventually announced $GROW_FILE
check grown-file-has-the-new-size has_size $GROW_FILE 67108864
grow_dm
check grown-dm-device-is-announced eventually announced $GROW_DM
check grown-dm-device-has-the-new-size has_size $GROW_DM 67108864
truncate -s 64M /run/loop-grow && losetup -c /dev/loop0
check grown-loop-device-is-announced eventually announced $GROW_LOOP
check grown-loop-device-has-the-new-size has_size $GROW_LOOP 67108864
truncate -s 16M /run/shrink
keeps_capacity() { sleep 2 && has_size $SHRINK 33554432 && goes_on $SHRINK; }
check shrunk-file-keeps-its-capacity keeps_capacity
past_the_end() { ! dd if="$(disk $SHRINK)" of=/dev/null bs=4k skip=6000 count=1 iflag=direct && goes_on $SHRINK; }
check reads-past-the-end-fail past_the_end

# --- a full file system -------------------------------------------------------------------------------
good put $FULL mine 3
dd if=/dev/zero of=/run/full/filler bs=1M 2>/dev/null
space_failed() {
    local said
    said=$(fails_with $DATA_PROTECT put $FULL x 4000 2>&1)
    local status=$?
    echo "$said"
    [ $status -eq 0 ] && echo "$said" | grep -qi "space allocation failed"
}
no_space() { LC_ALL=C dd if=/dev/zero of="$(disk $FULL)" bs=64k seek=500 count=4 oflag=direct 2>&1 | grep "No space left"; }
check full-file-system-is-space-allocation-failed space_failed
check full-file-system-is-no-space-for-programs no_space
check overwriting-goes-on-when-full holds $FULL mine 3
rm /run/full/filler
writes_again() { sync /run/full && good put $FULL more 4000 && holds $FULL more 4000; }
check writes-again-when-there-is-space writes_again

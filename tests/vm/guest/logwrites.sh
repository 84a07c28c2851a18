# SPDX-License-Identifier: GPL-2.0-or-later
# Every state in which a power failure may leave the medium, by dm-log-writes: after each promise (FUA, SYNCHRONIZE CACHE)
# the writes that the device had been made to keep are replayed, and what was promised has to be among them.
# plan daemon
# plan device-writes
# plan device-replay
# plan direct-writes
# plan direct-replay
# plan file-writes
# plan file-replay
# plan replay-finds-what-is-missing
. "$GUEST_DIR/lib/common"

TARGET=iqn.2001-04.org.example:logged
MNT=/run/mnt
mkdir -p $MNT
modprobe brd rd_nr=7 rd_size=65536
modprobe -a iscsi_tcp sd_mod sg dm-log-writes ext4 crc32c_generic 2>/dev/null

# /dev/ram0, 2, 4 hold the data, /dev/ram1, 3, 5 the log of what was written there, /dev/ram6 a replay.
logged() { dmsetup create "$1" --table "0 65536 log-writes /dev/ram$2 /dev/ram$(($2 + 1))"; }
# The file has no blocks yet: the journal's part in the promise is looked at, too.
stores() {
    logged device 0 && logged direct 2 && logged file 4 && mkfs.ext4 -q /dev/mapper/file && mount /dev/mapper/file $MNT &&
        truncate -s 8M $MNT/disk && sync
}
configure() {
    adm -L iscsi -m target -o new -t 1 -T $TARGET && adm -m logicalunit -o new -t 1 -l 1 -b /dev/mapper/device &&
        adm -m logicalunit -o new -t 1 -l 2 -b /dev/mapper/direct --bsoflags direct &&
        adm -m logicalunit -o new -t 1 -l 3 -b $MNT/disk && adm -m target -o bind -t 1 -I ALL
}
start_and_configure() {
    stores && start_tgtd && configure && start_iscsid && iscsiadm -m discovery -t sendtargets -p $PORTAL &&
        iscsiadm -m node -T $TARGET -p $PORTAL --login && eventually disk_of_initiator default 3
}
tool() { python3 "$GUEST_DIR/lib/logwrites.py" "$@"; }
# write_and_mark UNIT NAME : numbered writes; each promise leaves a mark in the log
write_and_mark() { tool write "/dev/$(disk_of_initiator default "$1")" "$2" /run/"$2".history; }

check daemon start_and_configure || exit 1
check device-writes write_and_mark 1 device
check device-replay tool replay /dev/ram1 /run/device.history
check direct-writes write_and_mark 2 direct
check direct-replay tool replay /dev/ram3 /run/direct.history
check file-writes write_and_mark 3 file
check file-replay tool replay /dev/ram5 /run/file.history --file-system /dev/ram6

# The same judgement has to find fault with a medium that has kept nothing.
misses() {
    tool replay /dev/ram1 /run/device.history --without-writes
    [ $? -eq 3 ]
}
check replay-finds-what-is-missing misses

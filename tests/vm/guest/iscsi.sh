# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's iscsi_tcp with open-iscsi: discovery, CHAP, a file system, logout, and a daemon that is killed under I/O.
# plan daemon
# plan discovery
# plan login
# plan disk-appears
# plan mkfs
# plan write
# plan compare-after-dropping-caches
# plan fsck
# plan logout
# plan disk-disappears
# plan chap-refuses-without-secret
# plan chap-one-way
# plan chap-mutual
# plan chap-wrong-mutual-secret
# plan digests
# plan killed-daemon-returns
# plan io-completes-after-recovery
# plan data-is-whole-after-recovery
# plan fsck-after-recovery
# plan daemon-ends-on-sigterm
. "$GUEST_DIR/lib/common"

PLAIN=iqn.2001-04.org.example:plain
GUARDED=iqn.2001-04.org.example:guarded
MNT=/run/mnt
mkdir -p $MNT
modprobe -a iscsi_tcp sd_mod sg ext4 crc32c_generic 2>/dev/null

# The same configuration each time the daemon starts: after a crash an administrator's start-up script does this.
configure() {
    truncate -s 256M /run/disk1
    truncate -s 64M /run/disk2
    adm -L iscsi -m target -o new -t 1 -T $PLAIN &&
        adm -m target -o update -t 1 -n HeaderDigest -v CRC32C,None &&
        adm -m target -o update -t 1 -n DataDigest -v CRC32C,None &&
        adm -m logicalunit -o new -t 1 -l 1 -b /run/disk1 &&
        adm -m target -o bind -t 1 -I ALL &&
        adm -L iscsi -m target -o new -t 2 -T $GUARDED &&
        adm -m logicalunit -o new -t 2 -l 1 -b /run/disk2 &&
        adm -m target -o bind -t 2 -I ALL &&
        adm -m account -o new --user alice --password alice-secret-12 &&
        adm -m account -o bind -t 2 --user alice &&
        adm -m account -o new --user target --password target-secret-34 &&
        adm -m account -o bind -t 2 --user target --outgoing
}

node() { iscsiadm -m node -T "$1" -p $PORTAL "${@:2}"; }
setting() { node "$1" -o update -n "$2" -v "$3"; }

# --- discovery, login, file system, logout ------------------------------------------------------
start_and_configure() { start_tgtd && configure; }
check daemon start_and_configure || exit 1
start_iscsid
check discovery sh -c "iscsiadm -m discovery -t sendtargets -p $PORTAL | grep -q '$PORTAL,1 $PLAIN'"
check login node $PLAIN --login
check disk-appears eventually disk_of $PLAIN || exit 1
DISK=/dev/$(disk_of $PLAIN)
check mkfs mkfs.ext4 -q "$DISK"
write_file() { mount "$DISK" $MNT && dd if=/dev/urandom of=$MNT/file bs=1M count=24 conv=fsync; }
check write write_file
SUM=$(sha256sum <$MNT/file)
compare_file() {
    umount $MNT && echo 3 >/proc/sys/vm/drop_caches && blockdev --flushbufs "$DISK" && mount "$DISK" $MNT &&
        [ "$(sha256sum <$MNT/file)" = "$SUM" ]
}
check compare-after-dropping-caches compare_file
umount $MNT
check fsck e2fsck -fn "$DISK"
check logout node $PLAIN --logout
gone() { ! [ -b "$DISK" ]; }
check disk-disappears eventually gone

# --- CHAP ---------------------------------------------------------------------------------------
refused() { fails_within 300000 node $GUARDED --login; }
setting $GUARDED node.session.initial_login_retry_max 1
check chap-refuses-without-secret refused
setting $GUARDED node.session.auth.authmethod CHAP
setting $GUARDED node.session.auth.username alice
setting $GUARDED node.session.auth.password alice-secret-12
one_way() { node $GUARDED --login && eventually disk_of $GUARDED && node $GUARDED --logout; }
check chap-one-way one_way
setting $GUARDED node.session.auth.username_in target
setting $GUARDED node.session.auth.password_in target-secret-34
check chap-mutual one_way
setting $GUARDED node.session.auth.password_in other-secret-56
check chap-wrong-mutual-secret refused

# --- the daemon dies under I/O --------------------------------------------------------------------
setting $PLAIN node.conn[0].iscsi.HeaderDigest CRC32C
setting $PLAIN node.conn[0].iscsi.DataDigest CRC32C
with_digests() {
    node $PLAIN --login && eventually disk_of $PLAIN &&
        iscsiadm -m session -P 3 | grep -q 'DataDigest: CRC32C' && iscsiadm -m session -P 3 | grep -q 'HeaderDigest: CRC32C'
}
check digests with_digests || exit 1
DISK=/dev/$(disk_of $PLAIN)
mount "$DISK" $MNT
dd if=/dev/urandom of=/run/source bs=1M count=32 2>/dev/null
dd if=/run/source of=$MNT/second bs=64k oflag=direct 2>/run/dd.log &
WRITER=$!
sleep 0.5
kill_tgtd
kill -0 $WRITER 2>/dev/null || echo "# the writer had ended before the daemon was killed"
sleep 1
check killed-daemon-returns again configure
check io-completes-after-recovery wait $WRITER
second_is_whole() {
    sync && umount $MNT && echo 3 >/proc/sys/vm/drop_caches && mount "$DISK" $MNT &&
        cmp /run/source $MNT/second && [ "$(sha256sum <$MNT/file)" = "$SUM" ]
}
check data-is-whole-after-recovery second_is_whole
umount $MNT
check fsck-after-recovery e2fsck -fn "$DISK"
node $PLAIN --logout

# --- an orderly end, with a session open --------------------------------------------------------
orderly_end() { kill -TERM "$TGTD_PID" && wait "$TGTD_PID"; }
if "$TGTD" --help 2>&1 | grep -q -- --workers; then
    node $PLAIN --login >/dev/null
    check daemon-ends-on-sigterm orderly_end
else
    echo "skip daemon-ends-on-sigterm this tgtd ignores SIGTERM"
fi

# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon that means harm writes what it must not into the ring, the file and netlink; the kernel stays as it was.
# plan path
# plan hostile-daemon
# plan path-works-afterwards
# plan kernel-is-content
# plan modules-go
. "$GUEST_DIR/lib/common"
. "$GUEST_DIR/lib/loop"

WRITES=${WRITES:-100000} MESSAGES=${MESSAGES:-100000}
SEED=${SEED:-$RANDOM$RANDOM}
configure() { new_target 1 && new_lun 1 1 -b /run/disk && bind_host 1 "$HOST"; }
path() {
    truncate -s 32M /run/disk
    load_modules && start_daemon && new_host HOST && configure && eventually disk_at "$HOST" 1
}
check path path || exit 1
DISK=$(disk_at "$HOST" 1)
SG=$(sg_of "$DISK")
daemon_timeout 1
echo 1 >"/sys/block/${DISK#/dev/}/device/timeout"
echo 1 >"/sys/block/${DISK#/dev/}/device/eh_timeout"
kill_tgtd
touch /run/load
while [ -e /run/load ]; do
    dd if="$DISK" of=/dev/null bs=64k count=64 iflag=direct
    dd if=/dev/zero of="$DISK" bs=64k count=64 oflag=direct conv=nocreat
done >/dev/null 2>&1 &
hostile() {
    /run/out/hostile --host "$HOST" --seed "$SEED" --writes "$WRITES" --messages "$MESSAGES" --load "$SG" --seconds "${SECONDS_LIMIT:-600}"
    local status=$?
    return $status
}
check hostile-daemon hostile
echo "# $(tail -n 1 /run/check.log)"
rm /run/load
daemon_timeout 60
# One of the messages may have been that the unit is gone; binding says that it is there. What was said of its size was
# a lie, perhaps.
right_size() {
    echo 1 >"/sys/block/${DISK#/dev/}/device/rescan" && [ "$(blockdev --getsize64 "$DISK")" = 33554432 ]
}
works() {
    start_daemon && configure && wait_for 120 disk_at "$HOST" 1 || return
    DISK=$(disk_at "$HOST" 1)
    echo running >"/sys/block/${DISK#/dev/}/device/state"
    echo 30 >"/sys/block/${DISK#/dev/}/device/timeout"
    wait_for 120 right_size || return
    dd if=/dev/urandom of=/run/pattern bs=1M count=4 && wait_for 120 dd if=/run/pattern of="$DISK" bs=64k oflag=direct conv=nocreat &&
        sync && cmp -n 4194304 /run/pattern /run/disk && dd if="$DISK" bs=64k count=64 iflag=direct | cmp - /run/pattern
}
check path-works-afterwards works
# Hosts that messages have made wait for a daemon, too.
modules_go() {
    daemon_timeout 1
    delete_host "$HOST" --force && kill -TERM "$TGTD_PID" && wait "$TGTD_PID" && unload_modules
}
check kernel-is-content kernel_is_content
check modules-go modules_go

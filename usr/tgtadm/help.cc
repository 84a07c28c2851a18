// SPDX-License-Identifier: GPL-2.0-or-later
#include "tgtadm/parse.h"

namespace tgt::tgtadm {

std::string help_text() {
    return "Linux SCSI Target administration utility, version " TGT_VERSION
           R"(

Usage: tgtadm [OPTION]
--lld <driver> --mode target --op new --tid <id> --targetname <name>
	create the target <name> under the number <id>, which is not 0.
--lld <driver> --mode target --op delete [--force] --tid <id>
	remove the target; with --force also while initiators
	are logged in: their sessions are closed.
--lld <driver> --mode target --op show
	list the targets, their sessions, logical units and rules.
--lld <driver> --mode target --op show --tid <id>
	list the parameters of one target.
--lld <driver> --mode target --op update --tid <id> --name <param> --value <value>
	set a parameter of the target; abort-bound is how many
	seconds its aborted commands have to end.
--lld <driver> --mode target --op bind --tid <id> --initiator-address <address>
--lld <driver> --mode target --op bind --tid <id> --initiator-name <name>
	let these initiators use the target (ALL: every address).
--lld <driver> --mode target --op unbind --tid <id> --initiator-address <address>
--lld <driver> --mode target --op unbind --tid <id> --initiator-name <name>
	take such a permission back.
--lld <driver> --mode target --op stat --tid <id>
	print the counters of the target's logical units.
--lld <driver> --mode logicalunit --op new --tid <id> --lun <lun>
  --backing-store <path> --bstype <type> --bsopts <bs options> --bsoflags <options> [--force]
	give the target a logical unit that is kept in <path>,
	a file or a block device. <type> names the backing store
	(--mode system --op show lists them), <bs options> are its
	own; <options> is sync, direct or sync:direct.
	--device-type <disk|tape|cd|changer|osd|pt> and
	--blocksize <bytes> say what it is. A file that another
	process has locked is refused without --force.
--lld <driver> --mode logicalunit --op update --tid <id> --lun <lun> --params <k=v,...>
--lld <driver> --mode logicalunit --op update --tid <id> --lun <lun> --name <k> --value <v>
	change parameters of the logical unit or of its backing
	store (--json --mode target --op show lists the latter).
	A comma ends a value of --params, but not that of --value.
	capacity=<bytes> (with k, m, g or t) shows that much of a
	disk, capacity=auto all that its file or device has now.
--lld <driver> --mode logicalunit --op delete --tid <id> --lun <lun>
	remove the logical unit; its file stays as it is.
--lld <driver> --mode portal --op new --param portal=<address>[:<port>]
--lld <driver> --mode portal --op delete --param portal=<address>[:<port>]
--lld <driver> --mode portal --op show
	open, close or list the addresses that initiators reach.
--lld <driver> --mode account --op new --user <name> --password <pass>
--lld <driver> --mode account --op new --user <name> --password-file <file>
	create an account for CHAP. The password on the command
	line can be seen by every user of this machine; <file>
	holds it in its first line, and - is standard input.
--lld <driver> --mode account --op delete --user <name>
	remove the account, also from every target.
--lld <driver> --mode account --op show
	list the accounts.
--lld <driver> --mode account --op bind --tid <id> --user <name> [--outgoing]
	let the account log in to the target; with --outgoing the
	target proves itself with it. Without --tid it is used
	for discovery.
--lld <driver> --mode account --op unbind --tid <id> --user <name> [--outgoing]
	undo that; --outgoing has to be given again.
--lld <driver> --mode connection --op show --tid <id>
--lld <driver> --mode connection --op delete --tid <id> --sid <sid> --cid <cid>
	list the connections of a target, close one.
--lld <driver> --mode lld --op start
--lld <driver> --mode lld --op stop
	start the driver in the running tgtd, or close its
	portals; it must have no targets then.
--lld <driver> --mode lld --op show
	list the drivers and their targets.
--lld <driver> --mode target --op bind --tid <id> --host <number>
--lld <driver> --mode target --op unbind --tid <id> --host <number>
	give a host (a port of the kernel's driver <driver>) the
	target, take it away. It is remembered for a host that
	is not there yet.
--lld loop --mode host --op new [--host <number>] [--params <k=v,...>]
	make a port whose disks are SCSI devices of this machine,
	and print its number. <k> is queues, nexuses (initiators,
	each a SCSI channel) or depth (commands per queue).
--mode host --op delete --host <number> [--force]
	remove it; with --force also while its devices are used.
--mode host --op show [--host <number>]
	list the kernel's hosts, their queues and I_T nexuses.
--mode host --op monitor [--host <number>]
	print what happens to them, until it is interrupted.
	These ask the kernel and need no tgtd.
--mode system --op show
	what the running tgtd offers.
--mode system --op update --name <param> --value <value>
	set State (ready, offline), log-level ([module=]level) or
	abort-bound (seconds, of all targets).
--mode system --op delete
	stop tgtd; it must have no targets.
--control-port <port> use control port <port>
--json
	print results as JSON
--help
	display this help and exit
)";
}

}  // namespace tgt::tgtadm

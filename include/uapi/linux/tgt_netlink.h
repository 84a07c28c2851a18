/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The generic netlink family of tgt_core.ko: what hosts, queues and I_T nexuses
 * there are, their counters, their coming and going, and loop ports made and
 * taken away. All commands need CAP_NET_ADMIN; reading too, as the names of
 * initiators are nobody else's business.
 */
#ifndef _UAPI_LINUX_TGT_NETLINK_H
#define _UAPI_LINUX_TGT_NETLINK_H

#define TGT_NL_FAMILY		"tgt"
#define TGT_NL_VERSION		1
#define TGT_NL_GROUP_EVENTS	"events"

#define TGT_NL_MAX_NAME		255	/* of strings, without the zero */

enum tgt_nl_command {
	TGT_NL_UNSPEC,
	/*
	 * -> VERSION, CAPS. What the family and the ring speak.
	 */
	TGT_NL_VERSION_GET,
	/* HOST -> one host; as a dump [LLD] -> all (of that driver) */
	TGT_NL_HOST_GET,
	/*
	 * LLD, [HOST, QUEUES, NEXUSES, DEPTH] -> HOST. Only drivers that can
	 * make hosts by themselves: "loop". EOPNOTSUPP: others. EEXIST: there
	 * is a host of that number.
	 */
	TGT_NL_HOST_NEW,
	/* HOST. EBUSY: it is in use and FORCE is not there. */
	TGT_NL_HOST_DEL,
	/* dump [HOST] -> a message per queue */
	TGT_NL_QUEUE_GET,
	/* dump [HOST] -> a message per I_T nexus */
	TGT_NL_NEXUS_GET,
	/*
	 * HOST, LUN, LUN_PRESENT: a logical unit came or went. Hosts that are
	 * their own initiator look at it; others do nothing.
	 */
	TGT_NL_LUN_CHANGED,

	/* multicast only */
	TGT_NL_HOST_ADDED,	/* as HOST_GET */
	TGT_NL_HOST_REMOVED,	/* HOST, LLD */
	TGT_NL_NEXUS_ADDED,	/* as NEXUS_GET */
	TGT_NL_NEXUS_REMOVED,	/* HOST, NEXUS, INITIATOR */
	TGT_NL_QUEUE_ATTACHED,	/* HOST, QUEUE, PID */
	TGT_NL_QUEUE_DETACHED,	/* HOST, QUEUE, PID, DETACH_REASON */

	__TGT_NL_COMMAND_COUNT,
};
#define TGT_NL_COMMAND_MAX	(__TGT_NL_COMMAND_COUNT - 1)

enum tgt_nl_detach_reason {
	TGT_NL_DETACH_CLOSED,	/* the daemon closed it or ended */
	TGT_NL_DETACH_BROKEN,	/* it wrote what it must not */
	TGT_NL_DETACH_HOST_GONE,
};

enum tgt_nl_attribute {
	TGT_NL_A_UNSPEC,
	TGT_NL_A_PAD,
	TGT_NL_A_VERSION,	/* u32: TGT_RING_VERSION */
	TGT_NL_A_CAPS,		/* u64: TGT_RING_CAPS */
	TGT_NL_A_HOST,		/* u32: from 1 */
	TGT_NL_A_LLD,		/* string: "loop" */
	TGT_NL_A_PORT_NAME,	/* string: the target port, "" unknown */
	TGT_NL_A_SCSI_HOST,	/* u32: loop: N of /sys/class/scsi_host/hostN */
	TGT_NL_A_QUEUES,	/* u32 */
	TGT_NL_A_DEPTH,		/* u32: commands per queue */
	TGT_NL_A_NEXUSES,	/* u32: how many there are, or are to be made */
	TGT_NL_A_FORCE,		/* flag */
	TGT_NL_A_QUEUE,		/* u32: from 0 */
	TGT_NL_A_PID,		/* u32: process that is attached; missing: none */
	TGT_NL_A_DETACH_REASON,	/* u32: enum tgt_nl_detach_reason */
	TGT_NL_A_DATA_BYTES,	/* u64: data area */
	TGT_NL_A_NEXUS,		/* u32: number on its host */
	TGT_NL_A_INITIATOR,	/* string: name of the initiator port */
	TGT_NL_A_TRANSPORT_ID,	/* binary, 24 bytes; missing: none */
	TGT_NL_A_LUN,		/* binary, 8 bytes, as on the wire */
	TGT_NL_A_LUN_PRESENT,	/* u8: 0 gone, 1 there */
	/* counters: u64, since the host came */
	TGT_NL_A_COMMANDS,	/* that were queued */
	TGT_NL_A_ACTIVE,	/* of them: not ended */
	TGT_NL_A_IN_BYTES,	/* Data-In that was sent */
	TGT_NL_A_OUT_BYTES,	/* Data-Out that was fetched */
	TGT_NL_A_TASKS,		/* task management functions */
	TGT_NL_A_ABORTED,	/* commands that ended without an answer */
	TGT_NL_A_FULL,		/* commands refused for want of a descriptor */
	TGT_NL_A_KICKS,		/* system calls of the daemon */
	TGT_NL_A_WAKEUPS,	/* of the daemon */
	TGT_NL_A_REDELIVERED,	/* commands given to another daemon */
	TGT_NL_A_BAD_REPLIES,	/* each ended an attachment */

	__TGT_NL_A_COUNT,
};
#define TGT_NL_A_MAX		(__TGT_NL_A_COUNT - 1)

#endif

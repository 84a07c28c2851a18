/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The command ring between tgt_core.ko and the target daemon.
 *
 * A host (an HBA, a loop port) has one or more queues. The daemon opens
 * /dev/tgt once for every queue, attaches with TGT_RING_ATTACH, and maps three
 * regions:
 *
 *   TGT_RING_MMAP_KERNEL  written by the kernel, mapped read-only: header, the
 *                         event ring and one descriptor per tag
 *   TGT_RING_MMAP_USER    written by the daemon: indices, the reply ring and
 *                         one reply slot per tag
 *   TGT_RING_MMAP_DATA    the data area, used by both; the daemon decides what
 *                         lies where
 *
 * The kernel tells of a command by an event that names its tag; the descriptor
 * [tag] says the rest, and stays unchanged until the daemon has ended it. The
 * daemon answers by filling the reply slot [tag] and putting the tag in the
 * reply ring; TGT_RING_KICK makes the kernel act on all replies there are. At
 * any time at most two events and at most one reply per tag are on their way.
 *
 * TGT_RING_DETACH ends the attachment as closing the file does, for a process
 * in which others may still hold it (an io_uring keeps it open until its last
 * request has ended, also when the process is killed: so no other daemon is
 * told to repeat a write that may still land).
 *
 * poll() says POLLIN while there are events that were not taken, and POLLHUP
 * with POLLERR when the attachment is over: the host is gone, or the daemon
 * wrote what it must not. What the daemon had not ended goes to the next one.
 *
 * Everything is in the byte order of the machine, except where SCSI says
 * otherwise (CDB, LUN, sense data, TransportID). Offsets are relative to the
 * region they point into. All padding is zero and is ignored by the reader.
 */
#ifndef _UAPI_LINUX_TGT_RING_H
#define _UAPI_LINUX_TGT_RING_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TGT_RING_DEVICE		"tgt"
#define TGT_RING_MAGIC		0x52544754u	/* "TGTR" in little endian */
#define TGT_RING_VERSION	1

#define TGT_RING_MAX_CDB	260
#define TGT_RING_MAX_SENSE	252
#define TGT_RING_MAX_SEGMENTS	16
#define TGT_RING_MAX_NAME	224	/* with the terminating zero */
#define TGT_RING_DATA_UNIT	4096	/* segments begin on a multiple of it */

/* mmap offsets of the three regions */
#define TGT_RING_MMAP_KERNEL	0x00000000ull
#define TGT_RING_MMAP_USER	0x10000000ull
#define TGT_RING_MMAP_DATA	0x20000000ull

/*
 * TGT_RING_ATTACH: the descriptor becomes the daemon's end of one queue, until
 * it is closed. EBUSY: another one is. ENODEV: there is no such host or queue.
 * EPROTONOSUPPORT: the kernel does not speak this version. The kernel may give
 * a smaller data area than was asked for; 0 asks for its default.
 */
struct tgt_ring_attach {
	__u32 version;		/* in: TGT_RING_VERSION */
	__u32 host;		/* in: number of the host */
	__u32 queue;		/* in: from 0 */
	__u32 pad;
	__aligned_u64 caps;	/* in: TGT_RING_CAP_* the daemon has; out: of both */
	__aligned_u64 data_bytes;	/* in: wanted, out: what it is */
	__aligned_u64 kernel_bytes;	/* out: lengths to map */
	__aligned_u64 user_bytes;
};

#define TGT_RING_IOC_TYPE	0xb7
#define TGT_RING_ATTACH		_IOWR(TGT_RING_IOC_TYPE, 1, struct tgt_ring_attach)
#define TGT_RING_KICK		_IO(TGT_RING_IOC_TYPE, 2)
#define TGT_RING_DETACH		_IO(TGT_RING_IOC_TYPE, 3)

/* Capability bits; none is defined yet. What both have is in force. */
#define TGT_RING_CAPS		0ull

/*
 * At the start of the kernel's region. Everything before event_head is
 * constant while attached.
 */
struct tgt_ring_header {
	__u32 magic;
	__u32 version;
	__aligned_u64 caps;
	__u32 host;
	__u32 queue;
	__u32 tags;		/* descriptors, and reply slots */
	__u32 ring_entries;	/* of the event ring and of the reply ring; 2^n */
	__u32 event_offset;	/* in the kernel's region */
	__u32 desc_offset;	/* in the kernel's region */
	__u32 desc_size;	/* from one descriptor to the next */
	__u32 reply_offset;	/* of the reply ring (of __u32), in the user's region */
	__u32 slot_offset;	/* of the reply slots, in the user's region */
	__u32 slot_size;
	__aligned_u64 data_bytes;
	__aligned_u64 attachment;	/* counts up with each daemon that attaches */
	__u8 pad0[56];
	/* own cache lines: indices that the kernel moves; they run freely */
	__u32 event_head;	/* events were put up to here */
	__u8 pad1[60];
	__u32 reply_tail;	/* replies were taken up to here */
	__u8 pad2[60];
};

/* At the start of the user's region. */
struct tgt_ring_user {
	__u32 event_tail;	/* events were taken up to here; moved before acting on them */
	__u32 event_wait;	/* not 0: the daemon sleeps or is about to; wake it */
	__u8 pad0[56];
	__u32 reply_head;	/* replies were put up to here */
	__u8 pad1[60];
};

enum tgt_ring_event_type {
	TGT_EVENT_NONE = 0,
	TGT_EVENT_NEW = 1,	/* the descriptor [tag] is new */
	TGT_EVENT_DATA = 2,	/* the answer to TGT_REPLY_GET_DATA */
	TGT_EVENT_SENT = 3,	/* after DONE with segments: they are free again */
};

struct tgt_ring_event {
	__u32 tag;
	__u16 type;		/* enum tgt_ring_event_type */
	__u16 pad;
	__s32 result;		/* DATA: 0, or a negative error: nothing may be used */
	__u32 pad1;
};

enum tgt_ring_desc_type {
	TGT_DESC_COMMAND = 1,
	TGT_DESC_TASK = 2,		/* a task management function */
	TGT_DESC_NEXUS_ARRIVED = 3,	/* before any command of it */
	TGT_DESC_NEXUS_LEFT = 4,	/* after all; end its commands, then answer */
};

/*
 * Of commands that another daemon left behind: whether it had seen them. Such a
 * command may have been done in part or wholly.
 */
#define TGT_DESC_F_REDELIVERED	0x01
#define TGT_DESC_F_SEEN		0x02

enum tgt_ring_attribute {	/* SAM-5 8.6 */
	TGT_ATTR_SIMPLE = 0,
	TGT_ATTR_ORDERED = 1,
	TGT_ATTR_HEAD_OF_QUEUE = 2,
	TGT_ATTR_ACA = 3,
};

enum tgt_ring_function {	/* SAM-5 7 */
	TGT_TASK_ABORT_TASK = 1,
	TGT_TASK_ABORT_TASK_SET = 2,
	TGT_TASK_CLEAR_TASK_SET = 3,
	TGT_TASK_LOGICAL_UNIT_RESET = 4,
	TGT_TASK_TARGET_RESET = 5,
	TGT_TASK_CLEAR_ACA = 6,
};

/* 384 bytes. Which members hold something depends on the type. */
struct tgt_ring_desc {
	__u32 tag;
	__u8 type;		/* enum tgt_ring_desc_type */
	__u8 flags;		/* TGT_DESC_F_* */
	__u8 attribute;		/* COMMAND: enum tgt_ring_attribute */
	__u8 function;		/* TASK: enum tgt_ring_function */
	__aligned_u64 id;	/* of this command; never used twice on a host */
	__aligned_u64 ref_id;	/* TASK: id of the command to abort */
	__u32 nexus;		/* number of the I_T nexus on this host */
	__u32 in_length;	/* COMMAND: bytes that the initiator takes */
	__u32 out_length;	/* COMMAND: bytes that the initiator sends */
	__u16 cdb_length;	/* COMMAND */
	__u16 name_length;	/* NEXUS_ARRIVED: without the terminating zero */
	__u8 lun[8];		/* COMMAND, TASK: as on the wire (SAM-5 4.7) */
	union {
		__u8 cdb[TGT_RING_MAX_CDB];	/* COMMAND */
		struct {			/* NEXUS_ARRIVED */
			__u8 name[TGT_RING_MAX_NAME];	/* of the initiator port */
			__u8 transport_id[24];	/* SPC-5 7.6.4; byte 0 0xff: none */
		} nexus_info;
	};
	__u8 pad[76];
};

enum tgt_ring_reply_op {
	/*
	 * COMMAND: fetch `length` bytes of Data-Out from `offset` on into the
	 * segments; TGT_EVENT_DATA follows.
	 */
	TGT_REPLY_GET_DATA = 1,
	/*
	 * The end. COMMAND: `length` bytes of Data-In lie in the segments, and
	 * status and sense data go with them. TASK: `response`. NEXUS_*: taken
	 * note of. After a DONE with segments TGT_EVENT_SENT follows; after one
	 * without, the tag may be new again at once.
	 */
	TGT_REPLY_DONE = 2,
};

/* DONE of a command that was aborted: the initiator gets no answer */
#define TGT_REPLY_F_ABORTED	0x01

enum tgt_ring_response {	/* SAM-5 7.1 */
	TGT_RESPONSE_COMPLETE = 0,
	TGT_RESPONSE_NO_TASK = 1,
	TGT_RESPONSE_NO_LUN = 2,
	TGT_RESPONSE_NOT_SUPPORTED = 3,
	TGT_RESPONSE_REJECTED = 4,
};

struct tgt_ring_segment {
	__aligned_u64 offset;	/* in the data area; a multiple of TGT_RING_DATA_UNIT */
	__u32 length;		/* not 0 */
	__u32 pad;
};

/*
 * 576 bytes; copied once, then checked. Segments belong to the kernel from the
 * reply on until its TGT_EVENT_DATA or TGT_EVENT_SENT.
 */
struct tgt_ring_reply {
	__aligned_u64 id;	/* of the descriptor: a late answer harms nobody */
	__u8 op;		/* enum tgt_ring_reply_op */
	__u8 flags;		/* TGT_REPLY_F_* */
	__u8 status;		/* SAM-5 5.3.1 */
	__u8 response;		/* enum tgt_ring_response */
	__u32 offset;		/* GET_DATA */
	__u32 length;		/* the sum of the segments */
	__u16 segment_count;
	__u16 sense_length;
	__u32 in_total;		/* DONE: bytes that the command moves by its own */
	__u32 out_total;	/* rules: the residual is against them */
	struct tgt_ring_segment segments[TGT_RING_MAX_SEGMENTS];
	__u8 sense[TGT_RING_MAX_SENSE];
	__u8 pad[36];
};

#endif

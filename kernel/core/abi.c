// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs were built against stays: every offset, size and number of the
 * ABI. Nothing of it is code. The same file is looked at by compilers of user
 * space for 32 and 64 bits and both byte orders.
 */
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <uapi/linux/tgt_netlink.h>
#include <uapi/linux/tgt_ring.h>
#else
#include <linux/tgt_netlink.h>
#include <linux/tgt_ring.h>
#include <stddef.h>
#define static_assert _Static_assert
#endif

#define SIZE(type, bytes)							\
	static_assert(sizeof(struct type) == (bytes), #type " has another size")
#define AT(type, member, bytes)							\
	static_assert(offsetof(struct type, member) == (bytes), #type "." #member " moved")
#define IS(name, value)	static_assert((name) == (value), #name " is another number")

/* --- tgt_ring.h --- */

IS(TGT_RING_VERSION, 1);
IS(TGT_RING_MAGIC, 0x52544754);
IS(TGT_RING_MAX_CDB, 260);
IS(TGT_RING_MAX_SENSE, 252);
IS(TGT_RING_MAX_SEGMENTS, 16);
IS(TGT_RING_MAX_NAME, 224);
IS(TGT_RING_DATA_UNIT, 4096);
IS(TGT_RING_MMAP_KERNEL, 0);
IS(TGT_RING_MMAP_USER, 0x10000000);
IS(TGT_RING_MMAP_DATA, 0x20000000);

SIZE(tgt_ring_attach, 48);
AT(tgt_ring_attach, version, 0);
AT(tgt_ring_attach, host, 4);
AT(tgt_ring_attach, queue, 8);
AT(tgt_ring_attach, pad, 12);
AT(tgt_ring_attach, caps, 16);
AT(tgt_ring_attach, data_bytes, 24);
AT(tgt_ring_attach, kernel_bytes, 32);
AT(tgt_ring_attach, user_bytes, 40);

SIZE(tgt_ring_header, 256);
AT(tgt_ring_header, magic, 0);
AT(tgt_ring_header, version, 4);
AT(tgt_ring_header, caps, 8);
AT(tgt_ring_header, host, 16);
AT(tgt_ring_header, queue, 20);
AT(tgt_ring_header, tags, 24);
AT(tgt_ring_header, ring_entries, 28);
AT(tgt_ring_header, event_offset, 32);
AT(tgt_ring_header, desc_offset, 36);
AT(tgt_ring_header, desc_size, 40);
AT(tgt_ring_header, reply_offset, 44);
AT(tgt_ring_header, slot_offset, 48);
AT(tgt_ring_header, slot_size, 52);
AT(tgt_ring_header, data_bytes, 56);
AT(tgt_ring_header, attachment, 64);
AT(tgt_ring_header, pad0, 72);
AT(tgt_ring_header, event_head, 128);
AT(tgt_ring_header, reply_tail, 192);

SIZE(tgt_ring_user, 128);
AT(tgt_ring_user, event_tail, 0);
AT(tgt_ring_user, event_wait, 4);
AT(tgt_ring_user, reply_head, 64);

SIZE(tgt_ring_event, 16);
AT(tgt_ring_event, tag, 0);
AT(tgt_ring_event, type, 4);
AT(tgt_ring_event, result, 8);
AT(tgt_ring_event, pad1, 12);
IS(TGT_EVENT_NONE, 0);
IS(TGT_EVENT_NEW, 1);
IS(TGT_EVENT_DATA, 2);
IS(TGT_EVENT_SENT, 3);

SIZE(tgt_ring_desc, 384);
AT(tgt_ring_desc, tag, 0);
AT(tgt_ring_desc, type, 4);
AT(tgt_ring_desc, flags, 5);
AT(tgt_ring_desc, attribute, 6);
AT(tgt_ring_desc, function, 7);
AT(tgt_ring_desc, id, 8);
AT(tgt_ring_desc, ref_id, 16);
AT(tgt_ring_desc, nexus, 24);
AT(tgt_ring_desc, in_length, 28);
AT(tgt_ring_desc, out_length, 32);
AT(tgt_ring_desc, cdb_length, 36);
AT(tgt_ring_desc, name_length, 38);
AT(tgt_ring_desc, lun, 40);
AT(tgt_ring_desc, cdb, 48);
AT(tgt_ring_desc, nexus_info.name, 48);
AT(tgt_ring_desc, nexus_info.transport_id, 272);
AT(tgt_ring_desc, pad, 308);
IS(TGT_DESC_COMMAND, 1);
IS(TGT_DESC_TASK, 2);
IS(TGT_DESC_NEXUS_ARRIVED, 3);
IS(TGT_DESC_NEXUS_LEFT, 4);
IS(TGT_DESC_F_REDELIVERED, 1);
IS(TGT_DESC_F_SEEN, 2);
IS(TGT_ATTR_SIMPLE, 0);
IS(TGT_ATTR_ORDERED, 1);
IS(TGT_ATTR_HEAD_OF_QUEUE, 2);
IS(TGT_ATTR_ACA, 3);
IS(TGT_TASK_ABORT_TASK, 1);
IS(TGT_TASK_ABORT_TASK_SET, 2);
IS(TGT_TASK_CLEAR_TASK_SET, 3);
IS(TGT_TASK_LOGICAL_UNIT_RESET, 4);
IS(TGT_TASK_TARGET_RESET, 5);
IS(TGT_TASK_CLEAR_ACA, 6);

SIZE(tgt_ring_segment, 16);
AT(tgt_ring_segment, offset, 0);
AT(tgt_ring_segment, length, 8);

SIZE(tgt_ring_reply, 576);
AT(tgt_ring_reply, id, 0);
AT(tgt_ring_reply, op, 8);
AT(tgt_ring_reply, flags, 9);
AT(tgt_ring_reply, status, 10);
AT(tgt_ring_reply, response, 11);
AT(tgt_ring_reply, offset, 12);
AT(tgt_ring_reply, length, 16);
AT(tgt_ring_reply, segment_count, 20);
AT(tgt_ring_reply, sense_length, 22);
AT(tgt_ring_reply, in_total, 24);
AT(tgt_ring_reply, out_total, 28);
AT(tgt_ring_reply, segments, 32);
AT(tgt_ring_reply, sense, 288);
AT(tgt_ring_reply, pad, 540);
IS(TGT_REPLY_GET_DATA, 1);
IS(TGT_REPLY_DONE, 2);
IS(TGT_REPLY_F_ABORTED, 1);
IS(TGT_RESPONSE_COMPLETE, 0);
IS(TGT_RESPONSE_NO_TASK, 1);
IS(TGT_RESPONSE_NO_LUN, 2);
IS(TGT_RESPONSE_NOT_SUPPORTED, 3);
IS(TGT_RESPONSE_REJECTED, 4);

/* --- tgt_netlink.h --- */

IS(TGT_NL_VERSION, 1);
IS(TGT_NL_MAX_NAME, 255);
IS(TGT_NL_VERSION_GET, 1);
IS(TGT_NL_HOST_GET, 2);
IS(TGT_NL_HOST_NEW, 3);
IS(TGT_NL_HOST_DEL, 4);
IS(TGT_NL_QUEUE_GET, 5);
IS(TGT_NL_NEXUS_GET, 6);
IS(TGT_NL_LUN_CHANGED, 7);
IS(TGT_NL_HOST_ADDED, 8);
IS(TGT_NL_HOST_REMOVED, 9);
IS(TGT_NL_NEXUS_ADDED, 10);
IS(TGT_NL_NEXUS_REMOVED, 11);
IS(TGT_NL_QUEUE_ATTACHED, 12);
IS(TGT_NL_QUEUE_DETACHED, 13);
IS(TGT_NL_DETACH_CLOSED, 0);
IS(TGT_NL_DETACH_BROKEN, 1);
IS(TGT_NL_DETACH_HOST_GONE, 2);
IS(TGT_NL_A_PAD, 1);
IS(TGT_NL_A_VERSION, 2);
IS(TGT_NL_A_CAPS, 3);
IS(TGT_NL_A_HOST, 4);
IS(TGT_NL_A_LLD, 5);
IS(TGT_NL_A_PORT_NAME, 6);
IS(TGT_NL_A_SCSI_HOST, 7);
IS(TGT_NL_A_QUEUES, 8);
IS(TGT_NL_A_DEPTH, 9);
IS(TGT_NL_A_NEXUSES, 10);
IS(TGT_NL_A_FORCE, 11);
IS(TGT_NL_A_QUEUE, 12);
IS(TGT_NL_A_PID, 13);
IS(TGT_NL_A_DETACH_REASON, 14);
IS(TGT_NL_A_DATA_BYTES, 15);
IS(TGT_NL_A_NEXUS, 16);
IS(TGT_NL_A_INITIATOR, 17);
IS(TGT_NL_A_TRANSPORT_ID, 18);
IS(TGT_NL_A_LUN, 19);
IS(TGT_NL_A_LUN_PRESENT, 20);
IS(TGT_NL_A_COMMANDS, 21);
IS(TGT_NL_A_ACTIVE, 22);
IS(TGT_NL_A_IN_BYTES, 23);
IS(TGT_NL_A_OUT_BYTES, 24);
IS(TGT_NL_A_TASKS, 25);
IS(TGT_NL_A_ABORTED, 26);
IS(TGT_NL_A_FULL, 27);
IS(TGT_NL_A_KICKS, 28);
IS(TGT_NL_A_WAKEUPS, 29);
IS(TGT_NL_A_REDELIVERED, 30);
IS(TGT_NL_A_BAD_REPLIES, 31);

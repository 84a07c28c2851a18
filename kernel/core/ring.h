/* SPDX-License-Identifier: GPL-2.0-only */
/* The ring of a queue: what the files of the core that drive it share. */
#ifndef _TGT_RING_H
#define _TGT_RING_H

#include "core.h"

/* Pages that are mapped to the daemon. */
struct tgt_region {
	struct page **pages;
	unsigned long count;
	unsigned long wanted;
	struct file *file;	/* that they are of; NULL: of none */
	void *memory;		/* the kernel's view; NULL: none */
};

/* region.c */
int tgt_region_alloc(struct tgt_region *region, size_t bytes);
int tgt_region_alloc_data(struct tgt_region *region, size_t bytes);
void tgt_region_free(struct tgt_region *region);
int tgt_region_mmap(struct tgt_region *region, struct vm_area_struct *vma);

/*
 * One daemon at one queue, from TGT_RING_ATTACH until it is over: the daemon
 * closed it or broke the rules, or the host went. It is never used again;
 * its memory stays as long as somebody has a reference.
 */
struct tgt_attachment {
	struct kref ref;
	struct tgt_queue *queue;	/* with a reference to its host */
	u64 number;
	pid_t pid;
	wait_queue_head_t wait;		/* for events */

	struct tgt_region kernel;
	struct tgt_region user_side;
	struct tgt_region data;
	u64 data_bytes;
	u32 tags;
	u32 entries;
	/* in the kernel's region */
	struct tgt_ring_header *header;
	struct tgt_ring_event *events;
	struct tgt_ring_desc *descs;
	/* in the user's region: whatever is read here was written by anybody */
	struct tgt_ring_user *user;
	u32 *replies;
	struct tgt_ring_reply *slots;

	/* under queue->lock */
	bool over;
	enum tgt_nl_detach_reason reason;
	u64 event_head;			/* the header's is its lower half */

	/* under queue->run */
	u32 reply_tail;
	struct tgt_ring_reply reply;	/* the copy that is looked at */

	struct delayed_work retry;	/* of replies, when memory was short */
	struct work_struct over_work;
	struct work_struct free_work;
};

/* attachment.c */
struct tgt_attachment *tgt_attachment_new(struct tgt_queue *queue, u64 data_bytes);
int tgt_attachment_begin(struct tgt_attachment *att);
void tgt_attachment_end(struct tgt_attachment *att, enum tgt_nl_detach_reason reason);
void tgt_attachment_get(struct tgt_attachment *att);
void tgt_attachment_put(struct tgt_attachment *att);
/* With queue->lock. */
void tgt_attachment_over(struct tgt_attachment *att, enum tgt_nl_detach_reason reason);

/* ring.c. All with queue->lock. */
void tgt_publish(struct tgt_queue *queue);
void tgt_event_put(struct tgt_attachment *att, u32 tag, enum tgt_ring_event_type type, int result);

/* reply.c */
int tgt_replies_run(struct tgt_attachment *att);
void tgt_retry_work(struct work_struct *work);

/* segment.c */
bool tgt_segments_valid(struct tgt_attachment *att, const struct tgt_ring_reply *reply);
int tgt_segments_map(struct tgt_attachment *att, const struct tgt_ring_reply *reply,
		     struct tgt_cmd_request *creq, unsigned int *count);
struct scatterlist *tgt_segments_list(struct tgt_cmd_request *creq, unsigned int count);

/* queue.c: requests. All with queue->lock, but for tgt_run(). */
struct tgt_cmd_request *tgt_queue_cmd(struct tgt_queue *queue, u32 tag);
void tgt_request_end(struct tgt_queue *queue, struct tgt_request *req, enum tgt_action action);
void tgt_request_wait(struct tgt_queue *queue, struct tgt_request *req);
void tgt_request_recycle(struct tgt_queue *queue, struct tgt_request *req);
void tgt_request_given_back(struct tgt_queue *queue, struct tgt_request *req);
void tgt_request_released(struct tgt_queue *queue, struct tgt_nexus *nexus);
/* Calls the ops; without locks. */
void tgt_run(struct list_head *todo);

/* nexus.c: with queue->lock. The daemon has answered, or never will. */
void tgt_nexus_told(struct tgt_queue *queue, struct tgt_request *req);
void tgt_nexus_announce(struct tgt_queue *queue, struct tgt_nexus *nexus, struct list_head *to);

/* cmd.c, task.c: with queue->lock */
void tgt_cmd_abort(struct tgt_queue *queue, struct tgt_request *req);
void tgt_cmd_clear(struct tgt_cmd_request *creq);
void tgt_cmd_count_end(struct tgt_queue *queue, struct tgt_request *req, bool aborted);
void tgt_task_reject(struct tgt_queue *queue, struct tgt_request *req);

/* timeout.c */
void tgt_timeout_arm(struct tgt_queue *queue);
void tgt_timeout_work(struct work_struct *work);

/* attach.c */
int tgt_device_init(void);
void tgt_device_exit(void);

static inline struct tgt_cmd_request *tgt_cmd_request(struct tgt_request *req)
{
	return container_of(req, struct tgt_cmd_request, req);
}

static inline struct tgt_task_request *tgt_task_request(struct tgt_request *req)
{
	return container_of(req, struct tgt_task_request, req);
}

#endif

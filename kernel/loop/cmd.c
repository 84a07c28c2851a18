// SPDX-License-Identifier: GPL-2.0-only
/* The way of a command: from SCSI to the core, and back with data and status. */
#include <linux/highmem.h>
#include <linux/scatterlist.h>

#include "loop.h"

static struct loop_slot *slot_of(struct scsi_cmnd *sc)
{
	return scsi_cmd_priv(sc);
}

static struct scsi_cmnd *sc_of(struct tgt_cmd *cmd)
{
	struct loop_cmd *own = cmd->priv;

	return own->sc;
}

int loop_init_slot(struct Scsi_Host *shost, struct scsi_cmnd *sc)
{
	struct loop_slot *slot = slot_of(sc);

	spin_lock_init(&slot->lock);
	slot->id = 0;
	slot->cmd = NULL;
	return 0;
}

static void fill_in(struct tgt_cmd *cmd, struct scsi_cmnd *sc)
{
	struct loop_cmd *own = cmd->priv;

	own->sc = sc;
	int_to_scsilun(sc->device->lun, (struct scsi_lun *)cmd->lun);
	cmd->attribute = TGT_ATTR_SIMPLE;
	/* SCSI pass-through takes any length; a CDB has 6 bytes at least. */
	memset(cmd->cdb, 0, 6);
	memcpy(cmd->cdb, sc->cmnd, sc->cmd_len);
	cmd->cdb_length = max_t(u16, sc->cmd_len, 6);
	cmd->in_length = 0;
	cmd->out_length = 0;
	if (sc->sc_data_direction == DMA_TO_DEVICE)
		cmd->out_length = scsi_bufflen(sc);
	else if (sc->sc_data_direction == DMA_FROM_DEVICE)
		cmd->in_length = scsi_bufflen(sc);
}

static void slot_begin(struct loop_slot *slot, struct tgt_cmd *cmd)
{
	unsigned long flags;

	spin_lock_irqsave(&slot->lock, flags);
	slot->id = cmd->id;
	slot->cmd = cmd;
	spin_unlock_irqrestore(&slot->lock, flags);
}

static void slot_end(struct loop_host *loop, struct loop_slot *slot)
{
	unsigned long flags;

	spin_lock_irqsave(&slot->lock, flags);
	slot->id = 0;
	slot->cmd = NULL;
	spin_unlock_irqrestore(&slot->lock, flags);
	if (wq_has_sleeper(&loop->slot_over))
		wake_up_all(&loop->slot_over);
}

static void finish(struct tgt_cmd *cmd)
{
	struct scsi_cmnd *sc = sc_of(cmd);
	struct loop_host *loop = tgt_nexus_priv(cmd->nexus);

	rcu_read_lock(); /* keeps loop_host_remove() and error handling waiting */
	slot_end(loop, slot_of(sc));
	tgt_cmd_free(cmd); /* its place is free for the next one */
	scsi_done(sc); /* the slot may be no more */
	rcu_read_unlock();
}

int loop_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *sc)
{
	struct loop_host *loop = shost_priv(shost);
	struct tgt_cmd *cmd;

	if (READ_ONCE(loop->dead)) {
		set_host_byte(sc, DID_NO_CONNECT);
		scsi_done(sc);
		return 0;
	}
	cmd = tgt_cmd_alloc(loop->nexuses[sc->device->channel]);
	if (!cmd)
		return SCSI_MLQUEUE_TARGET_BUSY;
	fill_in(cmd, sc);
	slot_begin(slot_of(sc), cmd);
	smp_mb(); /* with loop_host_kill(): one of the two sees the other */
	if (unlikely(READ_ONCE(loop->dead)))
		tgt_cmd_drop(cmd);
	tgt_cmd_submit(cmd); /* sc may be no more */
	return 0;
}

static bool miter_more(struct sg_mapping_iter *miter, size_t *used)
{
	if (*used < miter->length)
		return true;
	*used = 0;
	return sg_miter_next(miter);
}

static size_t copy_pieces(struct sg_mapping_iter *to, struct sg_mapping_iter *from, size_t length)
{
	size_t done = 0, to_used = 0, from_used = 0;

	while (done < length && miter_more(to, &to_used) && miter_more(from, &from_used)) {
		size_t n = min3(to->length - to_used, from->length - from_used, length - done);

		memcpy(to->addr + to_used, from->addr + from_used, n);
		to_used += n;
		from_used += n;
		done += n;
	}
	return done;
}

/* Between the command's segments and `offset` of the initiator's buffer. */
static size_t copy_data(struct tgt_cmd *cmd, u32 offset, bool to_initiator)
{
	struct scsi_cmnd *sc = sc_of(cmd);
	struct sg_mapping_iter theirs, ours;
	size_t done = 0;

	if (!cmd->sg_count || !scsi_sg_count(sc))
		return 0;
	sg_miter_start(&theirs, scsi_sglist(sc), scsi_sg_count(sc),
		       to_initiator ? SG_MITER_TO_SG : SG_MITER_FROM_SG);
	sg_miter_start(&ours, cmd->sg, cmd->sg_count,
		       to_initiator ? SG_MITER_FROM_SG : SG_MITER_TO_SG);
	if (!offset || sg_miter_skip(&theirs, offset)) {
		if (to_initiator)
			done = copy_pieces(&theirs, &ours, cmd->length);
		else
			done = copy_pieces(&ours, &theirs, cmd->length);
	}
	sg_miter_stop(&ours);
	sg_miter_stop(&theirs);
	return done;
}

void loop_get_data(struct tgt_cmd *cmd)
{
	int error = 0;

	if (sc_of(cmd)->sc_data_direction != DMA_TO_DEVICE ||
	    copy_data(cmd, cmd->offset, false) != cmd->length)
		error = -EIO;
	tgt_cmd_data_done(cmd, error);
}

/*
 * SCSI knows of no overflow: a command that would move more than the buffer has
 * is as good as one that fills it.
 */
static u32 move_in(struct tgt_cmd *cmd, struct scsi_cmnd *sc)
{
	switch (sc->sc_data_direction) {
	case DMA_FROM_DEVICE:
		return copy_data(cmd, 0, true);
	case DMA_TO_DEVICE:
		return min(cmd->out_total, cmd->out_length);
	default:
		return scsi_bufflen(sc);
	}
}

void loop_respond(struct tgt_cmd *cmd)
{
	struct scsi_cmnd *sc = sc_of(cmd);
	u32 moved = move_in(cmd, sc);

	scsi_set_resid(sc, scsi_bufflen(sc) - moved);
	sc->result = cmd->status;
	/* The wait is over: to SCSI, BUSY would be the beginning of another one. */
	if (cmd->given_up)
		sc->result = DID_NO_CONNECT << 16;
	if (cmd->sense_length)
		memcpy(sc->sense_buffer, cmd->sense,
		       min_t(u16, cmd->sense_length, SCSI_SENSE_BUFFERSIZE));
	if (cmd->status == SAM_STAT_GOOD && moved < sc->underflow)
		set_host_byte(sc, DID_ERROR);
	finish(cmd);
}

/* The command runs again, unless the port goes away. */
void loop_aborted(struct tgt_cmd *cmd)
{
	struct loop_host *loop = tgt_nexus_priv(cmd->nexus);
	struct scsi_cmnd *sc = sc_of(cmd);

	sc->result = 0;
	set_host_byte(sc, READ_ONCE(loop->dead) ? DID_NO_CONNECT : DID_RESET);
	finish(cmd);
}

u64 loop_slot_id(struct scsi_cmnd *sc)
{
	struct loop_slot *slot = slot_of(sc);
	unsigned long flags;
	u64 id;

	spin_lock_irqsave(&slot->lock, flags);
	id = slot->id;
	spin_unlock_irqrestore(&slot->lock, flags);
	return id;
}

void loop_slot_drop(struct scsi_cmnd *sc)
{
	struct loop_slot *slot = slot_of(sc);
	unsigned long flags;

	spin_lock_irqsave(&slot->lock, flags);
	if (slot->cmd)
		tgt_cmd_drop(slot->cmd);
	spin_unlock_irqrestore(&slot->lock, flags);
}

static bool drop_one(struct scsi_cmnd *sc, void *sdev)
{
	if (!sdev || sc->device == sdev)
		loop_slot_drop(sc);
	return true;
}

void loop_drop(struct loop_host *loop, struct scsi_device *sdev)
{
	scsi_host_busy_iter(loop->shost, drop_one, sdev);
}

struct search {
	struct scsi_device *sdev;
	bool found;
};

static bool look_at(struct scsi_cmnd *sc, void *priv)
{
	struct search *search = priv;

	if ((!search->sdev || sc->device == search->sdev) && loop_slot_id(sc))
		search->found = true;
	return !search->found;
}

bool loop_any(struct loop_host *loop, struct scsi_device *sdev)
{
	struct search search = { .sdev = sdev };

	scsi_host_busy_iter(loop->shost, look_at, &search);
	return search.found;
}

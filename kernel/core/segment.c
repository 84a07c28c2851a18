// SPDX-License-Identifier: GPL-2.0-only
/* Segments of the data area, as a driver wants them. */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "ring.h"

/* Each lies in the data area, and together they have the length that is said. */
bool tgt_segments_valid(struct tgt_attachment *att, const struct tgt_ring_reply *reply)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < reply->segment_count; i++) {
		const struct tgt_ring_segment *segment = &reply->segments[i];

		if (!segment->length || segment->offset % TGT_RING_DATA_UNIT ||
		    segment->offset >= att->data_bytes ||
		    segment->length > att->data_bytes - segment->offset)
			return false;
		sum += segment->length;
	}
	return sum == reply->length;
}

struct tgt_piece {
	struct page *page;
	unsigned int offset;
	unsigned int length;
};

/* From `at` on: as much as lies together, at most `left`. */
static struct tgt_piece tgt_piece(struct tgt_attachment *att, u64 at, u32 left)
{
	unsigned long i = array_index_nospec((unsigned long)(at >> PAGE_SHIFT), att->data.count);
	struct tgt_piece piece = {
		.page = att->data.pages[i],
		.offset = offset_in_page(at),
		.length = min_t(u32, left, PAGE_SIZE - offset_in_page(at)),
	};
	unsigned long pfn = page_to_pfn(piece.page);

	while (piece.length < left && ++i < att->data.count &&
	       page_to_pfn(att->data.pages[i]) == ++pfn)
		piece.length += min_t(u32, left - piece.length, PAGE_SIZE);
	return piece;
}

/* How many entries there are; with a list, it is filled in. */
static unsigned int tgt_segments_walk(struct tgt_attachment *att,
				      const struct tgt_ring_reply *reply, struct scatterlist *sg)
{
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < reply->segment_count; i++) {
		u64 at = reply->segments[i].offset;
		u32 left = reply->segments[i].length;

		while (left) {
			struct tgt_piece piece = tgt_piece(att, at, left);

			if (sg)
				sg_set_page(&sg[count], piece.page, piece.length, piece.offset);
			count++;
			at += piece.length;
			left -= piece.length;
		}
	}
	return count;
}

static int tgt_table_grow(struct tgt_cmd_request *creq, unsigned int count)
{
	struct scatterlist *table;

	if (count <= creq->table_size)
		return 0;
	table = kvmalloc_array(count, sizeof(*table), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!table)
		return -ENOMEM;
	kvfree(creq->table);
	creq->table = table;
	creq->table_size = count;
	return 0;
}

struct scatterlist *tgt_segments_list(struct tgt_cmd_request *creq, unsigned int count)
{
	if (!count)
		return NULL;
	return count > TGT_INLINE_SG ? creq->table : creq->sg;
}

/*
 * Into tgt_segments_list(). With queue->run. The segments are valid, and the
 * daemon has the command: nobody else looks at the list. -ENOMEM: nothing has
 * changed.
 */
int tgt_segments_map(struct tgt_attachment *att, const struct tgt_ring_reply *reply,
		     struct tgt_cmd_request *creq, unsigned int *count)
{
	struct scatterlist *sg;

	*count = tgt_segments_walk(att, reply, NULL);
	if (!*count)
		return 0;
	if (*count > TGT_INLINE_SG && tgt_table_grow(creq, *count))
		return -ENOMEM;
	sg = tgt_segments_list(creq, *count);
	sg_init_table(sg, *count);
	tgt_segments_walk(att, reply, sg);
	return 0;
}

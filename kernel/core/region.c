// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the daemon maps. Ordinary pages with a count of their own: what
 * the daemon gives to O_DIRECT or registers with io_uring stays there as long
 * as that takes, whatever becomes of the attachment.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring.h"

#define TGT_CHUNK_ORDER	min_t(unsigned int, 9, get_order(SZ_2M))

static int tgt_region_pages(struct tgt_region *region, size_t bytes, unsigned int max_order)
{
	unsigned long want = DIV_ROUND_UP(bytes, PAGE_SIZE);
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO;
	unsigned int order = max_order;

	region->pages = kvcalloc(want, sizeof(*region->pages), GFP_KERNEL_ACCOUNT);
	if (!region->pages)
		return -ENOMEM;
	while (region->count < want) {
		struct page *page;
		unsigned int i;

		while (order && region->count + (1ul << order) > want)
			order--;
		page = alloc_pages(order ? gfp | __GFP_NORETRY | __GFP_NOWARN : gfp, order);
		if (!page && order) {
			order--;
			continue;
		}
		if (!page)
			return -ENOMEM;
		if (order)
			split_page(page, order);
		for (i = 0; i < 1u << order; i++)
			region->pages[region->count++] = page + i;
		cond_resched();
	}
	return 0;
}

/* The data area: in large pieces, where there are some, for short lists. */
int tgt_region_alloc_data(struct tgt_region *region, size_t bytes)
{
	int rc = tgt_region_pages(region, bytes, TGT_CHUNK_ORDER);

	if (rc)
		tgt_region_free(region);
	return rc;
}

/* Also mapped into the kernel. */
int tgt_region_alloc(struct tgt_region *region, size_t bytes)
{
	int rc = tgt_region_pages(region, bytes, 0);

	if (!rc) {
		region->memory = vmap(region->pages, region->count, VM_MAP, PAGE_KERNEL);
		if (!region->memory)
			rc = -ENOMEM;
	}
	if (rc)
		tgt_region_free(region);
	return rc;
}

void tgt_region_free(struct tgt_region *region)
{
	unsigned long i;

	if (region->memory)
		vunmap(region->memory);
	for (i = 0; i < region->count; i++)
		__free_page(region->pages[i]);
	kvfree(region->pages);
	memset(region, 0, sizeof(*region));
}

static void tgt_vma_flags(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
#ifdef TGT_VM_FLAGS_MOD	/* Linux 6.3; see Kbuild */
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/* A vma that may not be written now may never be. */
int tgt_region_mmap(struct tgt_region *region, struct vm_area_struct *vma)
{
	unsigned long count = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED) || count > region->count)
		return -EINVAL;
	tgt_vma_flags(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY,
		      vma->vm_flags & VM_WRITE ? 0 : VM_MAYWRITE);
	return vm_insert_pages(vma, vma->vm_start, region->pages, &count);
}

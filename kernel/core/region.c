// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the daemon maps. Ordinary pages with a count of their own: what
 * the daemon gives to O_DIRECT or registers with io_uring stays there as long
 * as that takes, whatever becomes of the attachment.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring.h"

static int tgt_region_table(struct tgt_region *region, size_t bytes)
{
	region->wanted = DIV_ROUND_UP(bytes, PAGE_SIZE);
	region->pages = kvcalloc(region->wanted, sizeof(*region->pages), GFP_KERNEL_ACCOUNT);
	return region->pages ? 0 : -ENOMEM;
}

static int tgt_region_file(struct tgt_region *region)
{
	struct address_space *mapping;
	struct file *file;

	file = shmem_file_setup("tgt-data", (loff_t)region->wanted << PAGE_SHIFT, VM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);
	region->file = file;
	mapping = file->f_mapping;
	/* They stay where they are: drivers have their addresses. */
	mapping_set_gfp_mask(mapping, GFP_KERNEL | __GFP_NOWARN);
	mapping_set_unevictable(mapping);
	while (region->count < region->wanted) {
		struct page *page = shmem_read_mapping_page(mapping, region->count);

		if (IS_ERR(page))
			return PTR_ERR(page);
		region->pages[region->count++] = page;
		cond_resched();
	}
	return 0;
}

/*
 * The data area: shared memory, as io_uring of Linux before 6.5 registers no
 * other file's. What the daemon does with that (it may punch holes into it)
 * changes nothing of the pages that are here.
 */
int tgt_region_alloc_data(struct tgt_region *region, size_t bytes)
{
	int rc = tgt_region_table(region, bytes);

	if (!rc)
		rc = tgt_region_file(region);
	if (rc)
		tgt_region_free(region);
	return rc;
}

static int tgt_region_map(struct tgt_region *region)
{
	while (region->count < region->wanted) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page)
			return -ENOMEM;
		region->pages[region->count++] = page;
	}
	region->memory = vmap(region->pages, region->count, VM_MAP, PAGE_KERNEL);
	return region->memory ? 0 : -ENOMEM;
}

/* Also mapped into the kernel. */
int tgt_region_alloc(struct tgt_region *region, size_t bytes)
{
	int rc = tgt_region_table(region, bytes);

	if (!rc)
		rc = tgt_region_map(region);
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
		put_page(region->pages[i]);
	if (region->file)
		fput(region->file);
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
	if (region->file) {
		vma->vm_pgoff = 0;
		vma_set_file(vma, region->file);
		return call_mmap(vma->vm_file, vma);
	}
	return vm_insert_pages(vma, vma->vm_start, region->pages, &count);
}

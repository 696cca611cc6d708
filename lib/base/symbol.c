/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the name of a function (contracts in symbol.h).
 *
 * dl_iterate_phdr() keeps modules from going while it looks at them. What it
 * gives of a module leads to its dynamic symbols.
 */
#include "base/symbol.h"

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct search {
	uintptr_t function;
	char *name;
	size_t size;
};

/* What a module's dynamic section says of its symbols. */
struct symbols {
	const ElfW(Sym) * table;
	const char *names;
	const uint32_t *hash;
};

/* ----------------------------------------------------------------- modules */

static const ElfW(Phdr) * find_header(const struct dl_phdr_info *module, ElfW(Word) type)
{
	unsigned int i;

	for (i = 0; i < module->dlpi_phnum; i++) {
		if (module->dlpi_phdr[i].p_type == type)
			return &module->dlpi_phdr[i];
	}
	return NULL;
}

static bool has_address(const struct dl_phdr_info *module, uintptr_t address)
{
	const ElfW(Phdr) * header;
	unsigned int i;

	for (i = 0; i < module->dlpi_phnum; i++) {
		header = &module->dlpi_phdr[i];
		if (header->p_type == PT_LOAD &&
		    address - (module->dlpi_addr + header->p_vaddr) < header->p_memsz)
			return true;
	}
	return false;
}

/* Some linkers leave offsets there, others addresses. */
static const void *pointer_in(const struct dl_phdr_info *module, ElfW(Addr) value)
{
	return (const void *)(value < module->dlpi_addr ? module->dlpi_addr + value : value);
}

static struct symbols find_symbols(const struct dl_phdr_info *module)
{
	const ElfW(Phdr) *header = find_header(module, PT_DYNAMIC);
	const ElfW(Dyn) * entry;
	struct symbols symbols = { 0 };

	if (!header)
		return symbols;
	entry = (const ElfW(Dyn) *)(module->dlpi_addr + header->p_vaddr);
	for (; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_SYMTAB)
			symbols.table = pointer_in(module, entry->d_un.d_ptr);
		else if (entry->d_tag == DT_STRTAB)
			symbols.names = pointer_in(module, entry->d_un.d_ptr);
		else if (entry->d_tag == DT_GNU_HASH)
			symbols.hash = pointer_in(module, entry->d_un.d_ptr);
	}
	return symbols;
}

/* ----------------------------------------------------------------- symbols */

/* How many there are: the hash table's last chain ends at the last one. */
static uint32_t count(const struct symbols *symbols)
{
	const uint32_t *hash = symbols->hash;
	uint32_t nr_buckets, first, bloom_words, i, last = 0;
	const uint32_t *buckets, *chains;

	nr_buckets = hash[0];
	first = hash[1];
	bloom_words = hash[2] * (uint32_t)(sizeof(ElfW(Addr)) / sizeof(uint32_t));
	buckets = hash + 4 + bloom_words;
	chains = buckets + nr_buckets;
	for (i = 0; i < nr_buckets; i++)
		last = buckets[i] > last ? buckets[i] : last;
	if (last < first)
		return first;
	while (!(chains[last - first] & 1))
		last++;
	return last + 1;
}

static bool covers(const ElfW(Sym) * symbol, uintptr_t offset)
{
	return symbol->st_shndx != SHN_UNDEF && (symbol->st_info & 0xf) == STT_FUNC &&
	       offset >= symbol->st_value &&
	       (offset == symbol->st_value || offset - symbol->st_value < symbol->st_size);
}

/* The symbol's name, and where it begins in the module; NULL: there is none. */
static const char *find_symbol(const struct symbols *symbols, uintptr_t offset, uintptr_t *start)
{
	uint32_t i, nr;

	if (!symbols->hash || !symbols->table || !symbols->names)
		return NULL;
	nr = count(symbols);
	for (i = 0; i < nr; i++) {
		if (covers(&symbols->table[i], offset)) {
			*start = symbols->table[i].st_value;
			return symbols->names + symbols->table[i].st_name;
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------- names */

static void print(struct search *search, const char *what, uintptr_t start)
{
	const char *slash = strrchr(what, '/');

	if (slash)
		what = slash + 1;
	if (search->function == start)
		snprintf(search->name, search->size, "%s", what);
	else
		snprintf(search->name, search->size, "%s+0x%lx", what,
			 (unsigned long)(search->function - start));
}

/* Where the module begins in memory. */
static uintptr_t start_of(const struct dl_phdr_info *module)
{
	const ElfW(Phdr) *first = find_header(module, PT_LOAD);

	return module->dlpi_addr + (first->p_vaddr & ~(first->p_align - 1));
}

static int look_at(struct dl_phdr_info *module, size_t size, void *arg)
{
	struct search *search = arg;
	struct symbols symbols;
	const char *symbol;
	uintptr_t start;

	(void)size;
	if (!has_address(module, search->function))
		return 0;
	symbols = find_symbols(module);
	symbol = find_symbol(&symbols, search->function - module->dlpi_addr, &start);
	if (symbol)
		print(search, symbol, module->dlpi_addr + start);
	else
		print(search, *module->dlpi_name ? module->dlpi_name : program_invocation_name,
		      start_of(module));
	return 1;
}

void wq_symbol_name(uintptr_t function, char *name, size_t size)
{
	struct search search = { .function = function, .name = name, .size = size };

	if (!dl_iterate_phdr(look_at, &search))
		snprintf(name, size, "0x%lx", (unsigned long)function);
}

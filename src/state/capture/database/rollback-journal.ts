/** What begins each header of a rollback journal, and ends a journal that names a super-journal. */
const MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
export const JOURNAL_HEADER_BYTES = 28;
export const JOURNAL_TAIL_BYTES = MAGIC.length;

/**
 * What a rollback journal is for. `cold`: nothing; it was committed, so its magic is gone (`PERSIST` writes zeros over
 * it), or it was hardly begun. `hot`: its pages belong back into the database. `shared`: it is part of a transaction over
 * several databases, and ends with the absolute path of their super-journal.
 *
 * A shared one is not for SQLite to open beside a copy: it goes by what stands at that path then, not when the copy was
 * made, and SQLite 3.40 was seen to remove a file there that no journal refers to: any file at all, for the path is
 * content of the journal.
 */
export function kindOfJournal(head: Uint8Array, tail: Uint8Array): 'cold' | 'hot' | 'shared' {
  if (head.length < JOURNAL_HEADER_BYTES || !MAGIC.equals(head.subarray(0, MAGIC.length))) return 'cold';
  return MAGIC.equals(tail) ? 'shared' : 'hot';
}

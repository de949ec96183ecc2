import type { AclEntry, Extras } from '../format/extras.ts';
import { TAR_NAME_BYTES, type TarHeader, tarHeader, tarPadding } from './tar-header.ts';
import type { SparsePlan } from './tar-sparse.ts';
import type { ItemEntry } from './walk-manifest.ts';

/** An item as it goes into an archive. */
export interface TarItem {
  /** Without a slash in front or behind; bytes. */
  readonly path: Buffer;
  readonly entry: ItemEntry;
  readonly linkTo?: Buffer | undefined;
  readonly userName?: Uint8Array | undefined;
  readonly groupName?: Uint8Array | undefined;
  readonly sparse?: SparsePlan | undefined;
}

const TYPE = { file: '0', hardlink: '1', symlink: '2', character: '3', block: '4', folder: '5', fifo: '6' } as const;
const PAX = 'x';
const LONG_NAME = 'L';
const LONG_LINK = 'K';
const SECOND_NS = 1_000_000_000n;
/** Eleven octal digits. */
const HEADER_TIME_MAX_S = 0o77777777777n;

/**
 * The headers of one item. What a ustar header cannot say stands before it: times, attributes, ACLs and holes in a pax
 * member; long names in GNU's members, whose bytes have no character set, where pax wants UTF-8.
 */
export function tarItem(item: TarItem): Buffer {
  const { entry } = item;
  const slash = entry.kind === 'folder' ? Buffer.from('/') : Buffer.alloc(0);
  const name = Buffer.concat([item.path, slash]);
  const linkName = entry.kind === 'symlink' ? entry.target : item.linkTo;
  const records = paxRecords(item);
  const wholeSeconds = floorSeconds(entry.mtimeNs);
  const header: TarHeader = {
    name,
    type: TYPE[entry.kind],
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    sizeBytes: entry.kind === 'file' ? (item.sparse?.memberBytes ?? entry.sizeBytes) : 0,
    mtimeS: Number(wholeSeconds < 0n ? 0n : wholeSeconds > HEADER_TIME_MAX_S ? HEADER_TIME_MAX_S : wholeSeconds),
    linkName,
    userName: item.userName,
    groupName: item.groupName,
    ...(entry.kind === 'character' || entry.kind === 'block' ? { major: entry.major, minor: entry.minor } : {}),
  };
  return Buffer.concat([
    ...(records.length > 0 ? member(PAX, Buffer.concat(records)) : []),
    ...(linkName && linkName.length > TAR_NAME_BYTES ? member(LONG_LINK, terminated(linkName)) : []),
    ...(name.length > TAR_NAME_BYTES ? member(LONG_NAME, terminated(name)) : []),
    tarHeader(header),
  ]);
}

/** A member that says something of the one behind it. */
function member(type: string, body: Buffer): Buffer[] {
  const name = Buffer.from(type === PAX ? 'PaxHeaders/item' : '././@LongLink');
  return [
    tarHeader({ name, type, mode: 0o644, uid: 0, gid: 0, sizeBytes: body.length, mtimeS: 0 }),
    body,
    tarPadding(body.length),
  ];
}

const terminated = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.of(0)]);

function floorSeconds(ns: bigint): bigint {
  return ns >= 0n ? ns / SECOND_NS : -((-ns + SECOND_NS - 1n) / SECOND_NS);
}

function paxRecords({ entry, sparse }: TarItem): Buffer[] {
  const records: Buffer[] = [];
  const seconds = floorSeconds(entry.mtimeNs);
  if (entry.mtimeNs % SECOND_NS !== 0n || seconds < 0n || seconds > HEADER_TIME_MAX_S) {
    records.push(record('mtime', Buffer.from(decimalSeconds(entry.mtimeNs))));
  }
  if (sparse && entry.kind === 'file') {
    records.push(
      record('GNU.sparse.major', Buffer.from('1')),
      record('GNU.sparse.minor', Buffer.from('0')),
      record('GNU.sparse.realsize', Buffer.from(String(entry.sizeBytes))),
    );
  }
  if (entry.kind !== 'hardlink' && entry.extras) records.push(...extraRecords(entry.extras));
  return records;
}

function decimalSeconds(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % SECOND_NS).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${size / SECOND_NS}.${fraction}`;
}

function extraRecords({ xattrs, accessAcl, defaultAcl }: Extras): Buffer[] {
  return [
    ...xattrs.map(({ name, value }) => record(`SCHILY.xattr.${attributeKeyword(name)}`, value)),
    ...(accessAcl.length > 0 ? [record('SCHILY.acl.access', aclText(accessAcl))] : []),
    ...(defaultAcl.length > 0 ? [record('SCHILY.acl.default', aclText(defaultAcl))] : []),
  ];
}

/** In latin1, a character a byte. GNU tar writes `=` and `%` of a name so, since `=` ends the keyword. */
function attributeKeyword(name: Uint8Array): string {
  return Buffer.from(name).toString('latin1').replaceAll('%', '%25').replaceAll('=', '%3D');
}

const ACL_TAG: Readonly<Record<number, string>> = {
  1: 'user',
  2: 'user',
  4: 'group',
  8: 'group',
  16: 'mask',
  32: 'other',
};

/** The short text form of POSIX.1e, with numbers for names: they are the same on every machine. */
function aclText(acl: readonly AclEntry[]): Buffer {
  const lines = acl.map(({ tag, permissions, id }) => {
    const allowed = ['r', 'w', 'x'].map((letter, bit) => (permissions & (4 >> bit) ? letter : '-')).join('');
    return `${ACL_TAG[tag]}:${id ?? ''}:${allowed}`;
  });
  return Buffer.from(lines.join(','));
}

/** `LENGTH KEYWORD=VALUE\n`, where the length counts itself. */
function record(keyword: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

import { execFileSync } from 'node:child_process';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TestFile } from '../../support/machine.ts';
import { type FakeDocuments, items } from './fake-areas.ts';
import { Scene, type SceneOptions } from './scene.ts';

/** Something of every kind: files, links, folders, owners and modes, one path that three areas change. */
export const EXAMPLE_FILES: Readonly<Record<string, TestFile>> = {
  '/etc/hosts': { content: 'old hosts\n', mode: 0o640, uid: 3, gid: 4 },
  '/etc/localtime': { link: '/usr/share/zoneinfo/UTC' },
  '/etc/gone': 'to be removed\n',
  '/etc/gone-link': { link: 'hosts' },
  '/etc/other': 'stays\n',
  '/etc/mode': { content: 'mode\n', mode: 0o4600, uid: 5, gid: 5 },
  '/etc/folder/': { mode: 0o700, uid: 7, gid: 7 },
  '/etc/folder/in': 'in\n',
};

export const EXAMPLE_DOCUMENTS: FakeDocuments = {
  network: items(
    { kind: 'file', path: '/etc/hosts', text: 'new hosts\n' },
    { kind: 'remove', path: '/etc/gone' },
    { kind: 'file', path: '/etc/new/deep/file', text: 'new\n', mode: 0o600, uid: 9 },
  ),
  environment: items(
    { kind: 'link', path: '/etc/localtime', target: '/usr/share/zoneinfo/Europe/Berlin' },
    { kind: 'file', path: '/etc/hosts', text: 'newer hosts\n' },
    { kind: 'metadata', path: '/etc/folder', mode: 0o711, uid: 8 },
  ),
  services: items(
    { kind: 'file', path: '/etc/hosts', text: 'newest hosts\n', mode: 0o600 },
    { kind: 'remove', path: '/etc/gone-link' },
    { kind: 'folder', path: '/etc/made', mode: 0o750, uid: 2 },
    { kind: 'file', path: '/etc/made/setuid', text: 'x', mode: 0o4755 },
    { kind: 'link', path: '/etc/other-link', target: 'other' },
    { kind: 'metadata', path: '/etc/mode', mode: 0o4711, uid: 6 },
  ),
};

/** That machine, its times long ago, some things with attributes and ACLs. */
export function exampleScene(t: TestContext, options: Partial<SceneOptions> = {}): Scene {
  const scene = new Scene(t, { files: EXAMPLE_FILES, documents: EXAMPLE_DOCUMENTS, ...options });
  const at = (path: string) => join(scene.root, path);
  for (const [index, path] of ['etc/hosts', 'etc/gone', 'etc/mode', 'etc/folder', 'etc', '.'].entries()) {
    utimesSync(at(path), 1e9 + index, 1e9 + index);
  }
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', at('etc/hosts')]);
  execFileSync('setfacl', ['-m', 'u:12:rw', at('etc/gone')]);
  execFileSync('setfacl', ['-m', 'u:12:rwx', at('etc/folder')]);
  return scene;
}

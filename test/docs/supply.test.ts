/** What we depend on: named, of known licences, by its hash, and running nothing while it is installed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { BEGIN, END, LICENCES, licenceTable } from './support/licences.ts';
import { locked, manifest, nameAt, ROOT, readText } from './support/lockfile.ts';

/** A row of a table in DEPENDENCIES.md: names, why, kept by, licence, native code. */
function listed(): Map<string, { keeper: string; licence: string }> {
  const rows = readText('docs/DEPENDENCIES.md')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 7 && !/^(package|-+)$/.test(cells[1]!));
  return new Map(
    rows.flatMap(([, names, , keeper, licence]) =>
      names!.split(', ').map((name) => [name, { keeper: keeper!, licence: licence! }]),
    ),
  );
}

test('every package that package.json names stands in DEPENDENCIES.md, with who keeps it and its licence, and no other', () => {
  const { dependencies, devDependencies } = manifest();
  const rows = listed();
  assert.deepEqual([...rows.keys()].sort(), Object.keys({ ...dependencies, ...devDependencies }).sort());
  for (const [name, { keeper, licence }] of rows) {
    assert.ok(keeper.length > 3, name);
    assert.equal(licence, locked().get(`node_modules/${name}`)?.license, name);
  }
  const page = readText('docs/DEPENDENCIES.md');
  for (const name of Object.keys(manifest().optionalDependencies)) assert.ok(page.includes(`\`${name}\``), name);
});

test('every package of the tree has a licence that we know, and the table of them is the one that the command makes', () => {
  for (const [place, { license }] of locked()) assert.ok(LICENCES.has(license ?? ''), `${place}: ${license}`);
  const [, table] = new RegExp(`${BEGIN}\\n([^]*)\\n${END}`).exec(readText('docs/DEPENDENCIES.md')) ?? [];
  assert.equal(table, licenceTable(locked()), 'npm run licences');
});

test('every package comes from a registry by its hash, and the lockfile has no address', () => {
  for (const [place, { version, integrity, resolved, link }] of locked()) {
    assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, place);
    assert.match(version, /^\d+\.\d+\.\d+/, place);
    assert.deepEqual({ resolved, link }, { resolved: undefined, link: undefined }, place);
  }
  const { dependencies, devDependencies, optionalDependencies } = manifest();
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
    assert.match(range, /^\^?\d+\.\d+\.\d+$/, `${name}: a version, and no place of its own`);
  }
  assert.doesNotMatch(
    readText('package-lock.json'),
    /https?:\/\/(?!opencollective|github\.com\/sponsors)[^"]*\.tgz|git\+/,
  );
});

test('no install script runs, and each package that has one is named, so that a new one is seen', () => {
  const withScripts = [...locked()]
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([place]) => nameAt(place));
  const { allowScripts } = manifest();
  assert.deepEqual([...new Set(withScripts)].sort(), Object.keys(allowScripts).sort());
  assert.ok(Object.values(allowScripts).every((allowed) => allowed === false));
  const settings = readText('.npmrc').split('\n');
  assert.ok(settings.includes('ignore-scripts=true'));
  assert.ok(settings.includes('omit-lockfile-registry-resolved=true'));
});

test('an audit that nobody answers is no clean one', async () => {
  const registry = createServer((_, response) => response.writeHead(404).end());
  await once(registry.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = registry.address() as AddressInfo;
    const env = {
      ...process.env,
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_update_notifier: 'false',
    };
    const audit = spawn('npm', ['run', '--silent', 'audit'], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [said, [status]] = await Promise.all([text(audit.stderr), once(audit, 'close')]);
    assert.equal(status, 1, said);
    assert.match(said, /audit: not clean, or not answered/);
  } finally {
    registry.close();
  }
});

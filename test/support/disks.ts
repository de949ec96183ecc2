/** Disks that can be full, read-only or pulled out: a tmpfs, and exFAT on a loop device. Both need root. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

const isRoot = process.getuid?.() === 0;

/** Why there can be no tmpfs here, or false. */
export const noTmpfs = isRoot && has('mount') ? false : 'only root mounts a tmpfs';

/** Why there can be no exFAT disk here, or false. */
export const noExfat = !isRoot
  ? 'only root mounts a disk'
  : !has('mkfs.exfat') || !has('mount.exfat-fuse') || !has('losetup')
    ? 'mkfs.exfat (exfatprogs), mount.exfat-fuse (exfat-fuse) or losetup is missing'
    : spawnSync('losetup', ['-f']).status !== 0
      ? 'there is no loop device'
      : false;

const isMounted = (dir: string): boolean => readFileSync('/proc/mounts', 'utf8').includes(` ${dir} `);

/** A tmpfs of so many bytes. */
export function mountTmpfs(dir: string, sizeBytes: number): void {
  mkdirSync(dir, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=755`, 'tmpfs', dir]);
}

export function remount(dir: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, dir]);
}

export function unmount(dir: string): void {
  if (isMounted(dir)) execFileSync('umount', [dir]);
}

/** A removable disk with exFAT: no links, no owners, mode 777, whole-second times. */
export class ExfatDisk {
  readonly dir: string;
  readonly #device: string;
  #driver: ChildProcess | undefined;

  /** Makes the disk's image and its mount point within a folder. */
  constructor(folder: string, sizeBytes: number) {
    this.dir = join(folder, 'disk');
    const image = join(folder, 'disk.img');
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(image, '');
    truncateSync(image, sizeBytes);
    execFileSync('mkfs.exfat', [image], { stdio: 'ignore' });
    this.#device = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
  }

  async plugIn(options: 'rw' | 'ro' = 'rw'): Promise<void> {
    assert.ok(!this.#driver);
    // In the foreground, so that the driver can be ended by its pid.
    this.#driver = spawn('mount.exfat-fuse', ['-d', '-o', options, this.#device, this.dir], { stdio: 'ignore' });
    for (let tries = 0; !isMounted(this.dir); tries += 1) {
      assert.ok(tries < 200, 'the disk is mounted');
      await new Promise((done) => setTimeout(done, 25));
    }
  }

  /** Everything that uses the disk gets errors from now on, and its folder is an empty one. */
  async pullOut(): Promise<void> {
    await this.#endDriver();
    // Whatever is open on it does not keep it there.
    if (isMounted(this.dir)) execFileSync('umount', ['--lazy', this.dir]);
  }

  async remove(): Promise<void> {
    await this.pullOut();
    execFileSync('losetup', ['-d', this.#device]);
  }

  async #endDriver(): Promise<void> {
    const driver = this.#driver;
    this.#driver = undefined;
    if (!driver || driver.exitCode !== null || driver.signalCode !== null) return;
    driver.kill('SIGKILL');
    await once(driver, 'exit');
  }
}

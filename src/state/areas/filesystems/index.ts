/**
 * What is mounted where: fstab, the disks and volumes behind it, encrypted disks. Shares and bind mounts are added to the
 * target's fstab; for a disk a person is told what was there and by which commands it comes back. Nothing is ever formatted.
 */
import { defineArea } from '../base/define-area.ts';
import { captureFilesystems } from './capture.ts';
import { checkFilesystems } from './check.ts';
import { CREDENTIAL_PATHS } from './credentials.ts';
import { MOUNT_FOLDERS, planFilesystems } from './plan.ts';
import { type FilesystemsContent, filesystemsContent } from './schema.ts';
import { validateFilesystems } from './validate.ts';

export const filesystemsArea = defineArea<FilesystemsContent>({
  name: 'filesystems',
  version: 1,
  schema: filesystemsContent,
  writes: ['/etc/fstab', ...CREDENTIAL_PATHS, ...MOUNT_FOLDERS],
  capture: captureFilesystems,
  plan: planFilesystems,
  check: checkFilesystems,
  validate: (system) => validateFilesystems(system),
});

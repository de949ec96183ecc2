/**
 * Displays: how each person has the monitors, by what these say of themselves; which session is chosen at the login; when a
 * screen goes blank. Files of homes come with the homes: here they are read, so that a person is asked about monitors that
 * are not the ones of before, and so that the checklist says whether the wishes hold.
 */
import { defineArea } from '../base/define-area.ts';
import { activateDisplay } from './activate.ts';
import { captureDisplay } from './capture.ts';
import { checkDisplay } from './check.ts';
import { LOGIN_SCREEN_FILES } from './login-screen.ts';
import { planDisplay } from './plan.ts';
import { type Display, displaySchema } from './schema.ts';
import { ICONS, USERS } from './session.ts';
import { XORG, XORG_FOLDER } from './xorg.ts';

export const displayArea = defineArea<Display>({
  name: 'display',
  version: 1,
  schema: displaySchema,
  writes: [
    ...[USERS, ICONS].flatMap((folder) => [folder, `${folder}/*`]),
    ...LOGIN_SCREEN_FILES,
    ...['/etc/X11', XORG, XORG_FOLDER, `${XORG_FOLDER}/*.conf`],
  ],
  capture: captureDisplay,
  plan: planDisplay,
  check: checkDisplay,
  activate: activateDisplay,
});

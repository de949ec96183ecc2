import type { System } from '../base/system.ts';
import type { LicenceFacts } from './facts.ts';
import { hostIdsOf } from './host-ids.ts';
import type { Judgement } from './judge.ts';

/** Vendor daemons whose maker has another name, and where a licence is moved. */
const MAKERS: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    mlm: 'MathWorks (mathworks.com/licensecenter)',
    ansyslmd: 'Ansys (Ansys Customer Portal)',
    abaquslm: 'Dassault Systèmes',
    lmcomsol: 'COMSOL (comsol.com/access)',
    lmgrd_comsol: 'COMSOL (comsol.com/access)',
    maplelmg: 'Maplesoft',
    intel: 'Intel (Intel Registration Center)',
    xilinxd: 'AMD Xilinx (xilinx.com/getlicense)',
    snpslmd: 'Synopsys (SolvNet)',
    cdslmd: 'Cadence',
    mgcld: 'Siemens EDA',
    saltd: 'Siemens EDA',
    alterad: 'Intel FPGA',
    idl_lmgrd: 'NV5 Geospatial (IDL)',
    wolfram: 'Wolfram (user.wolfram.com)',
    'ibm spss': 'IBM (License Key Center)',
  }),
);

export const makerOf = ({ vendor }: LicenceFacts): string =>
  MAKERS.get(vendor.toLowerCase()) ?? (vendor || 'its vendor');

export function titleOf(facts: LicenceFacts, path: string): string {
  const vendor = facts.vendor === '' ? facts.format : facts.vendor;
  return oneLine(`licence of ${vendor} (${path})`, 300);
}

export function sortedAs({ sort, reason, ended }: Judgement): string {
  return oneLine(`${sort}: ${reason}${ended === undefined ? '' : `; it expired on ${ended}`}`, 400);
}

/** What a person does so that it works on the new machine. */
export function rehostAdvice(facts: LicenceFacts, { boundTo }: Judgement, system: System): string {
  const there = hostIdsOf(system);
  const to = there.length > 0 ? there.slice(0, 4).join(' or ') : newIdAdvice(facts);
  const products = facts.products.slice(0, 5).join(', ');
  const what = products === '' ? 'the licence' : `the licence of ${products}`;
  const from = boundTo.length > 0 ? ` from host id ${boundTo.slice(0, 4).join(', ')}` : '';
  return oneLine(`ask ${makerOf(facts)} to move ${what}${from} to ${to}, and put the new file in its place`, 600);
}

function newIdAdvice({ format }: LicenceFacts): string {
  if (format === 'FlexNet') return 'the id that "lmhostid" shows on the new machine';
  if (format === 'RLM') return 'the id that "rlmutil rlmhostid" shows on the new machine';
  if (format === 'Mathematica') return 'the MathID that the program shows on the new machine';
  if (format === 'Sentinel RMS') return 'the lock code that "echoid" shows on the new machine';
  return 'the new machine';
}

/** A line that a file's own words cannot break or colour. */
const oneLine = (text: string, most: number): string => text.replaceAll(/\p{C}/gu, ' ').slice(0, most);

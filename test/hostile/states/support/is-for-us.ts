import type { HostileState } from './hostile-state.ts';

const isRoot = process.geteuid?.() === 0;

/** Whether whoever runs this can judge that state. */
export const isForUs = ({ as }: HostileState): boolean => as === undefined || (as === 'root') === isRoot;

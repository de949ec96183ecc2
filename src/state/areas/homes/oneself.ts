/** Whether an id is that of whoever runs this. */
export const isOneself = (uid: number): boolean => process.geteuid?.() === uid;

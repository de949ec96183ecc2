/** As long as useradd takes them. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/u;

/** Whether a name is one that a user or a group can have here: none that could be a path, a number, or end a field of passwd. */
export const isAccountName = (name: string): boolean => NAME.test(name) && name.length <= 32;

/** An extended attribute: the whole name, such as `user.comment`, and its value. */
export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

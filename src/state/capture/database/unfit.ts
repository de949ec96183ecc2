/** Why a database cannot be copied as it was at one moment; the message is for people. */
export class UnfitDatabase extends Error {
  override readonly name = 'UnfitDatabase';
}

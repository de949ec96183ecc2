/** What this machine can be told by, as the system says it: nothing here is cleaned or judged yet. */
export interface HardwareFacts {
  /** SMBIOS: of the system, its board and its case. Null where there is none or this user may not read it. */
  readonly productUuid: string | null;
  readonly productSerial: string | null;
  readonly boardSerial: string | null;
  readonly chassisSerial: string | null;
  /** Permanent addresses of the adapters that are built in, as `00:1b:21:…`. */
  readonly macs: readonly string[];
  /** What virtual machine or container this runs in, for people; null on real hardware. */
  readonly virtual: string | null;
}

/** Hardware as a parameter: the real one reads /sys, tests and containers give a file. */
export interface Hardware {
  /** Throws `failed` where the file that stands for the hardware cannot be read. */
  read(): HardwareFacts;
}

export const NO_FACTS: HardwareFacts = {
  productUuid: null,
  productSerial: null,
  boardSerial: null,
  chassisSerial: null,
  macs: [],
  virtual: null,
};

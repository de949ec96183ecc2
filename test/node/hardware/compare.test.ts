import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { associationId, type FleetId } from '../../../src/common/ids.ts';
import { EVENT_MACHINE_MAX_BYTES } from '../../../src/common/limits.ts';
import { NO_FACTS } from '../../../src/node/hardware/facts.ts';
import {
  compareMachine,
  describeStrength,
  guardMachine,
  type HardwareFacts,
  machineClaim,
  machineDigests,
  machineStrength,
} from '../../../src/node/hardware/index.ts';

const ASSOCIATION = associationId('ab'.repeat(32));
const OTHER = associationId('cd'.repeat(32));
const FLEET = '12'.repeat(32) as FleetId;

const LAPTOP: HardwareFacts = {
  productUuid: '7E1C8F0A-2B3D-4C5E-8F90-A1B2C3D4E5F6',
  productSerial: 'PF-3A7XQ9',
  boardSerial: 'L1HF17V00QJ',
  chassisSerial: 'PF-3A7XQ9',
  macs: ['a4:bb:6d:01:02:03', '3c:58:c2:0a:0b:0c'],
  virtual: null,
};
const verdict = (then: HardwareFacts, now: HardwareFacts): string =>
  compareMachine(machineDigests(then, ASSOCIATION), now, ASSOCIATION).verdict;

const hexPair = fc.integer({ min: 0, max: 255 }).map((byte) => byte.toString(16).padStart(2, '0'));
const mac = fc.array(hexPair, { minLength: 5, maxLength: 5 }).map((rest) => ['a4', ...rest].join(':'));
const serial = fc.option(fc.string({ maxLength: 20 }), { nil: null });
const someFacts: fc.Arbitrary<HardwareFacts> = fc.record({
  productUuid: fc.option(fc.uuid(), { nil: null }),
  productSerial: serial,
  boardSerial: serial,
  chassisSerial: serial,
  macs: fc.array(fc.oneof(mac, fc.string({ maxLength: 20 })), { maxLength: 50 }),
  virtual: fc.option(fc.constant('a virtual machine'), { nil: null }),
});

describe('the digests of a machine', () => {
  it('fit into an event, and say nothing of another association', () => {
    fc.assert(
      fc.property(someFacts, (facts) => {
        const digests = machineDigests(facts, ASSOCIATION);
        if (digests === null) {
          assert.equal(machineStrength(facts), 'none');
          return;
        }
        assert.ok(digests.length <= EVENT_MACHINE_MAX_BYTES && digests.length % 17 === 0);
        const elsewhere = compareMachine(digests, facts, OTHER);
        assert.deepEqual(elsewhere.equal, []);
        assert.notEqual(elsewhere.verdict, 'same');
      }),
    );
  });

  it('of one machine compare as the same, in any order and spelling of its values', () => {
    fc.assert(
      fc.property(someFacts, (facts) => {
        const digests = machineDigests(facts, ASSOCIATION);
        const shuffled = {
          ...facts,
          productUuid: facts.productUuid?.toUpperCase() ?? null,
          productSerial: facts.productSerial && `  ${facts.productSerial.toUpperCase()} `,
          macs: [...facts.macs].reverse(),
        };
        const { verdict, strength, differing } = compareMachine(digests, shuffled, ASSOCIATION);
        assert.equal(verdict, digests ? 'same' : 'unknown');
        assert.equal(strength, digests ? (facts.virtual ? 'weak' : 'strong') : 'none');
        assert.deepEqual(differing, []);
      }),
    );
  });

  it('of two machines with nothing in common are never the same', () => {
    fc.assert(
      fc.property(fc.uuid(), mac, fc.uuid(), mac, (uuid, address, otherUuid, otherAddress) => {
        fc.pre(uuid !== otherUuid && address !== otherAddress);
        const one = { ...NO_FACTS, productUuid: uuid, macs: [address] };
        const other = { ...NO_FACTS, productUuid: otherUuid, macs: [otherAddress] };
        assert.equal(verdict(one, other), 'different');
        assert.equal(verdict({ ...NO_FACTS, macs: [address] }, { ...NO_FACTS, macs: [otherAddress] }), 'different');
      }),
    );
  });

  it('may be any bytes: then they count as far as they are digests, and never as the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), someFacts, (bytes, facts) => {
        assert.notEqual(compareMachine(bytes, facts, ASSOCIATION).verdict, 'same');
      }),
    );
    const good = machineDigests(LAPTOP, ASSOCIATION)!;
    assert.equal(compareMachine(good.subarray(0, -1), LAPTOP, ASSOCIATION).strength, 'none');
  });
});

describe('the rule', () => {
  it('knows a machine again that lost or won parts', () => {
    assert.equal(verdict(LAPTOP, { ...LAPTOP, macs: [] }), 'same');
    assert.equal(verdict(LAPTOP, { ...LAPTOP, macs: ['a4:bb:6d:99:99:99'] }), 'same');
    assert.equal(verdict(LAPTOP, { ...NO_FACTS, macs: [LAPTOP.macs[1]!, 'a4:00:00:00:00:01'] }), 'same');
    assert.equal(verdict(LAPTOP, { ...NO_FACTS, boardSerial: LAPTOP.boardSerial }), 'same');
    assert.equal(verdict({ ...NO_FACTS, chassisSerial: 'CASE-77' }, { ...NO_FACTS, chassisSerial: 'case-77' }), 'same');
  });

  it('does not take an adapter that was put into another machine for the machine', () => {
    const other = {
      ...LAPTOP,
      productUuid: '11111111-2222-4333-8444-555555555555',
      productSerial: 'XY-1',
      boardSerial: 'ZZTOP1',
    };
    assert.equal(verdict(LAPTOP, other), 'different');
  });

  it('leaves it open where some numbers fit, some differ, and no adapter decides', () => {
    const other = { ...LAPTOP, productUuid: '11111111-2222-4333-8444-555555555555', macs: [] };
    assert.equal(verdict(LAPTOP, other), 'unknown');
    assert.equal(verdict(LAPTOP, { ...other, macs: LAPTOP.macs }), 'same');
    const many = { ...NO_FACTS, macs: ['a4:00:00:00:00:01', 'a4:00:00:00:00:02', 'a4:00:00:00:00:03'] };
    assert.equal(verdict(many, { ...NO_FACTS, macs: many.macs.slice(0, 1) }), 'unknown');
    assert.equal(verdict(many, { ...NO_FACTS, productSerial: 'ABC-123' }), 'unknown');
  });

  it('counts what makers leave blank, and what many machines have, as nothing', () => {
    for (const blank of [
      'To Be Filled By O.E.M.',
      'Default string',
      'None',
      ' none ',
      '00000000',
      'FFFF-FFFF',
      '.......',
      'System Serial Number',
      '0123456789',
      '123456789',
      'BSN12345678901234567',
      'MB-1234567890',
      'x1',
      '',
    ]) {
      const facts = { ...NO_FACTS, productSerial: blank, boardSerial: blank, chassisSerial: blank };
      assert.equal(machineDigests(facts, ASSOCIATION), null, blank);
    }
    for (const uuid of [
      '03000200-0400-0500-0006-000700080009',
      '00000000-0000-0000-0000-000000000000',
      'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
      'Not Settable',
    ]) {
      assert.equal(machineDigests({ ...NO_FACTS, productUuid: uuid }, ASSOCIATION), null, uuid);
    }
    for (const address of [
      '00:00:00:00:00:00',
      'ff:ff:ff:ff:ff:ff',
      '52:54:00:12:34:56',
      '02:42:ac:11:00:02',
      '00:0c:29:aa:bb:cc',
      '00:50:56:AA:BB:CC',
      '08:00:27:01:02:03',
      '00:15:5d:01:02:03',
      '00:16:3e:01:02:03',
      '01:00:5e:00:00:01',
      '00:11:22:33:44:55',
      'a4:bb:6d',
    ]) {
      assert.equal(machineDigests({ ...NO_FACTS, macs: [address] }, ASSOCIATION), null, address);
    }
    assert.notEqual(machineDigests({ ...NO_FACTS, productSerial: 'PF3A7XQ9' }, ASSOCIATION), null);
  });
});

describe('the claim of a machine', () => {
  it('is one for root and others, differs between machines, and is salted by the fleet', () => {
    const forOthers = { ...NO_FACTS, macs: LAPTOP.macs };
    assert.match(machineClaim(LAPTOP, FLEET)!, /^[0-9a-f]{32}$/);
    assert.equal(machineClaim(LAPTOP, FLEET), machineClaim(forOthers, FLEET));
    assert.notEqual(machineClaim(LAPTOP, FLEET), machineClaim({ ...LAPTOP, macs: ['a4:bb:6d:01:02:04'] }, FLEET));
    assert.notEqual(machineClaim(LAPTOP, FLEET), machineClaim(LAPTOP, '34'.repeat(32) as FleetId));
    assert.equal(machineClaim(NO_FACTS, FLEET), null);
    assert.match(machineClaim({ ...LAPTOP, macs: [] }, FLEET)!, /^[0-9a-f]{32}$/);
  });
});

describe('what a person is told', () => {
  it('before the capture: what the machine is known by, or that it is known by nothing', () => {
    assert.match(describeStrength(LAPTOP), /its UUID, its serial number, .* and 2 network adapters$/);
    assert.match(
      describeStrength({ ...LAPTOP, virtual: 'a virtual machine (KVM)' }),
      /a virtual machine \(KVM\), has virtual/,
    );
    assert.match(describeStrength(NO_FACTS), /no stable hardware id/);
    assert.equal(machineStrength(LAPTOP), 'strong');
    assert.equal(machineStrength({ ...LAPTOP, virtual: 'x' }), 'weak');
  });

  it('at the restore: a certain mistake stops it, an uncertain one is a sentence', () => {
    const digests = machineDigests(LAPTOP, ASSOCIATION);
    const common = { digests, association: ASSOCIATION, sourceName: 'ann', identity: undefined } as const;
    const other: HardwareFacts = { ...NO_FACTS, productUuid: '11111111-2222-4333-8444-555555555555' };
    assert.equal(guardMachine({ ...common, facts: LAPTOP }), undefined);
    assert.throws(
      () => guardMachine({ ...common, facts: other }),
      (error) => error instanceof ResettleError && error.code === 'refused' && /another UUID/.test(error.message),
    );
    assert.match(guardMachine({ ...common, facts: other, identity: 'same' })!, /not the hardware/);
    assert.match(
      guardMachine({ ...common, facts: { ...other, virtual: 'a container' } })!,
      /not certain .* another UUID/,
    );
    assert.match(guardMachine({ ...common, facts: NO_FACTS })!, /no stable hardware id here/);
    assert.match(guardMachine({ ...common, digests: null, facts: LAPTOP })!, /no stable hardware id at its capture/);
  });
});

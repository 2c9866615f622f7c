import { newMeasured, type ConditionFactory } from './condition.ts';

/** Every flow alerts: `count: '>= 1'`. Nothing is remembered. */
export const each: ConditionFactory = () => {
  const measured = { ...newMeasured(), value: 1 };
  return {
    measured,
    lasting: true,
    size: 0,
    take: () => true,
    sections: () => [],
    restore() {},
  };
};

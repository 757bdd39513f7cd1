import { type MappingClass, RISKS, type Risk } from '../../config/project.ts';

/** What a wrong fact does depends on its class: a command has been carried out, a governance fact was obeyed. */
export function riskOfClass(of: MappingClass): Risk {
  if (of === 'command' || of === 'governance') return 'high';
  return of === 'profile' ? 'medium' : 'low';
}

export function highest(risks: readonly Risk[]): Risk {
  return RISKS[Math.max(0, ...risks.map((risk) => RISKS.indexOf(risk)))] ?? 'low';
}

/** One step lower: for a target that applies each fact version once. */
export function lowered(risk: Risk): Risk {
  return RISKS[Math.max(0, RISKS.indexOf(risk) - 1)] ?? 'low';
}

import type { z } from 'zod';
import { statusOf } from '../ops/status.ts';
import {
  emptyBody,
  mappingParams,
  mappingShape,
  mappingsShape,
  pauseBody,
  pausedShape,
  resumedShape,
  runsQuery,
  runsShape,
  statusQuery,
  statusShape,
  triggerBody,
  triggeredShape,
} from './api-shapes.ts';
import { known, ofMapping as of, type Route } from './route.ts';
import { mappingView, pauseView, runView, statusView } from './views.ts';

/** Where mappings stand, and what starts them or keeps them from it: as the daemon knows it. */
export const MAPPING_ROUTES: readonly Route[] = [
  {
    id: 'listMappings',
    method: 'GET',
    path: '/v1/mappings',
    right: 'read',
    summary: 'Where each mapping stands.',
    status: 200,
    answer: mappingsShape,
    handle: (daemon) => {
      const { name, environment, mappings } = daemon.project;
      return { project: name, environment, mappings: [...mappings.values()].map((mapping) => mappingView(daemon, mapping)) };
    },
  },
  {
    id: 'getMapping',
    method: 'GET',
    path: of,
    right: 'read',
    summary: 'Where one mapping stands.',
    params: mappingParams,
    status: 200,
    answer: mappingShape,
    handle: (daemon, { mapping }) => mappingView(daemon, known(daemon, mapping)),
  },
  {
    id: 'getStatus',
    method: 'GET',
    path: `${of}/status`,
    right: 'read',
    summary: 'Where one mapping stands, as Kafka and its warehouse have it: lag, facts, quarantine, what is in its way.',
    params: mappingParams,
    query: statusQuery,
    status: 200,
    answer: statusShape,
    handle: (daemon, { mapping: name, query }) => {
      const mapping = known(daemon, name);
      const countRows = (query as z.output<typeof statusQuery>).rows === 'true';
      return daemon.look('status', async (system, project) => {
        const { mappings } = await statusOf(system, project, [mapping], daemon.settingsOf(name), { countRows });
        const [outcome] = mappings;
        if (outcome?.result === undefined) throw outcome?.error;
        return statusView(outcome.result);
      });
    },
  },
  {
    id: 'listRuns',
    method: 'GET',
    path: '/v1/runs',
    right: 'read',
    summary: 'The last runs of this daemon, newest first.',
    query: runsQuery,
    status: 200,
    answer: runsShape,
    handle: (daemon, { query }) => {
      const { mapping, limit } = query as z.output<typeof runsQuery>;
      if (mapping !== undefined) known(daemon, mapping);
      return { runs: daemon.runs.list(mapping, limit).map(runView) };
    },
  },
  {
    id: 'triggerMapping',
    method: 'POST',
    path: `${of}/trigger`,
    right: 'operate',
    summary: 'Run a mapping outside its schedule: now, or once after the present run.',
    params: mappingParams,
    body: triggerBody,
    status: 202,
    answer: triggeredShape,
    handle: (daemon, { mapping, body }) => {
      known(daemon, mapping);
      const isRunning = daemon.turnOf(mapping)?.running !== undefined;
      daemon.trigger(mapping, body as z.output<typeof triggerBody>);
      const hasStarted = daemon.turnOf(mapping)?.running !== undefined;
      return { mapping, start: isRunning ? 'after the present run' : hasStarted ? 'now' : 'when there is room' };
    },
  },
  {
    id: 'pauseMapping',
    method: 'POST',
    path: `${of}/pause`,
    right: 'operate',
    summary: 'Keep a mapping from starting, until it is resumed. The present run goes on.',
    params: mappingParams,
    body: pauseBody,
    status: 200,
    answer: pausedShape,
    handle: (daemon, { mapping, body, by }) => {
      known(daemon, mapping);
      const { reason } = body as z.output<typeof pauseBody>;
      return { mapping, pause: pauseView(daemon.pause(mapping, by, reason ?? null)) };
    },
  },
  {
    id: 'resumeMapping',
    method: 'POST',
    path: `${of}/resume`,
    right: 'operate',
    summary: 'Let a paused mapping start again; what it missed is one run.',
    params: mappingParams,
    body: emptyBody,
    status: 200,
    answer: resumedShape,
    handle: (daemon, { mapping }) => {
      known(daemon, mapping);
      return { mapping, wasPaused: daemon.resume(mapping) !== undefined };
    },
  },
];

import type { ServiceContext, StoreService } from './store-service.ts';

/** The services of a store, in the order in which they run. */
export const createServices = (_context: ServiceContext): readonly StoreService[] => [];

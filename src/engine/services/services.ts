import { DeliveryProgress } from '../schedule/delivery-progress.ts';
import { LevelService } from '../schedule/level-service.ts';
import { TimerService } from '../timer/timer-service.ts';
import { TransactionService } from '../transaction/transaction-service.ts';
import type { ServiceContext, StoreService } from './store-service.ts';

/** The services of a store, in the order in which they run. */
export const createServices = (context: ServiceContext): readonly StoreService[] => {
  const { fs, paths } = context.writer.context;
  let known: DeliveryProgress | undefined;
  const progress = (): DeliveryProgress => (known ??= new DeliveryProgress(fs, paths));
  return [new LevelService(context, progress), new TimerService(context, progress), new TransactionService(context)];
};

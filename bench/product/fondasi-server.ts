import { reportTo } from '../child.ts';
import { BenchModule } from './echo.module.ts';
import { startProduct } from './fondasi.ts';

const { ready, stop } = await startProduct([BenchModule]);
reportTo(process, ready, stop);

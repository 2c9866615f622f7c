import { create } from '../../collector/inputs/file/index.ts';
import { options } from '../../collector/inputs/file/options.ts';
import { fileContract } from '../contracts/fileContract.ts';
import { testContext } from '../helpers/context.ts';

const line = (i: number): string =>
  `2024-06-10T16:27:${String(10 + (i % 50))}.${String(i).padStart(3, '0')}Z|${String(i).padStart(5, '0')}|acl_log(ovn_pinctrl0)|INFO|name="NP:shop:web:Ingress:0", verdict=allow`;

fileContract({
  name: 'file',
  create: (path, { follow, clock }) =>
    create(options.parse({ path, startAt: 'beginning' }), { ...testContext({ clock }), follow }),
  lines: Array.from({ length: 200 }, (_, i) => line(i)),
});

fileContract({
  name: 'file with a header',
  create: (path, { follow, clock }) =>
    create(options.parse({ path, startAt: 'beginning' }), { ...testContext({ clock }), follow }),
  header: ['#separator \\x09', '#fields\tts\tuid\tid.orig_h'],
  lines: Array.from({ length: 50 }, (_, i) => `17262017${i}.279490\tC7y3kf3wLnGC8eMF${i}\t10.0.0.${i}`),
});

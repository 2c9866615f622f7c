import { dashboard } from './dashboard.ts';
import { dataViews } from './data-views.ts';
import { pages } from './pages/index.ts';
import type { Place } from './place.ts';
import type { SavedObject } from './saved-object.ts';
import { savedSearches } from './searches.ts';

/** All saved objects of one space: what is referred to stands before what refers to it. */
export const savedObjects = (place: Place): SavedObject[] => [
  ...dataViews(place),
  ...savedSearches(place),
  ...pages.map((page) => dashboard(page, place)),
];

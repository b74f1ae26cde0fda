import { nodeId, type Schemas, type Site, timeText, userBody } from "./bodies-repository.ts";
import { APP_EVENTS, APP_ID, APP_SLUG, CLIENT_ID, GRANTED, INSTALLATION_ID, type State } from "./state.ts";

export function appBody(site: Site, state: State): NonNullable<Schemas["integration"]> {
  const at = timeText(state.createdAt);
  return {
    ...{ id: APP_ID, slug: APP_SLUG, node_id: nodeId("App", APP_ID), client_id: CLIENT_ID },
    ...{ owner: userBody(site, state.organisation), name: "Offshoot local", description: null },
    ...{ external_url: site.pageUrl, html_url: `${site.pageUrl}/apps/${APP_SLUG}` },
    ...{ created_at: at, updated_at: at, permissions: { ...GRANTED }, events: [...APP_EVENTS] },
  };
}

export function installationBody(site: Site, state: State): Schemas["installation"] {
  const { organisation } = state;
  const at = timeText(state.createdAt);
  return {
    ...{ id: INSTALLATION_ID, account: userBody(site, organisation), repository_selection: "all" },
    access_tokens_url: `${site.apiUrl}/app/installations/${INSTALLATION_ID}/access_tokens`,
    repositories_url: `${site.apiUrl}/installation/repositories`,
    html_url: `${site.pageUrl}/organizations/${organisation.login}/settings/installations/${INSTALLATION_ID}`,
    ...{ app_id: APP_ID, app_slug: APP_SLUG, client_id: CLIENT_ID },
    ...{ target_id: organisation.id, target_type: "Organization" },
    ...{ permissions: { ...GRANTED }, events: [...APP_EVENTS], created_at: at, updated_at: at },
    ...{ single_file_name: null, has_multiple_single_files: false, single_file_paths: [] },
    ...{ suspended_by: null, suspended_at: null },
  };
}

import type { App, Grants } from "./app.ts";
import { nodeId, type Schemas, type Site, timeText, userBody } from "./bodies-repository.ts";
import { APP_ID, APP_SLUG, CLIENT_ID, HOOK_ID, INSTALLATION_ID, type State } from "./state.ts";

export function appBody(site: Site, state: State, app: App): NonNullable<Schemas["integration"]> {
  const at = timeText(state.createdAt);
  return {
    ...{ id: APP_ID, slug: APP_SLUG, node_id: nodeId("App", APP_ID), client_id: CLIENT_ID },
    ...{ owner: userBody(site, state.organisation), name: app.name, description: null },
    ...{ external_url: site.pageUrl, html_url: `${site.pageUrl}/apps/${APP_SLUG}` },
    ...{ created_at: at, updated_at: at, permissions: { ...app.permissions }, events: [...app.events] },
  };
}

export function installationBody(site: Site, state: State, granted: Grants): Schemas["installation"] {
  const { organisation } = state;
  const at = timeText(state.createdAt);
  return {
    ...{ id: INSTALLATION_ID, account: userBody(site, organisation), repository_selection: "all" },
    access_tokens_url: `${site.apiUrl}/app/installations/${INSTALLATION_ID}/access_tokens`,
    repositories_url: `${site.apiUrl}/installation/repositories`,
    html_url: `${site.pageUrl}/organizations/${organisation.login}/settings/installations/${INSTALLATION_ID}`,
    ...{ app_id: APP_ID, app_slug: APP_SLUG, client_id: CLIENT_ID },
    ...{ target_id: organisation.id, target_type: "Organization" },
    ...{
      permissions: { ...granted.permissions },
      events: [...granted.events],
      created_at: at,
      updated_at: at,
    },
    ...{ single_file_name: null, has_multiple_single_files: false, single_file_paths: [] },
    ...{ suspended_by: null, suspended_at: null },
  };
}

/** The body of the webhook that is sent when a webhook is made. */
export function pingBody(site: Site, app: App): Record<string, unknown> {
  const at = timeText(new Date());
  return {
    ...{ zen: "Keep it logically awesome.", hook_id: HOOK_ID },
    hook: {
      ...{ type: "App", id: HOOK_ID, name: "web", active: true, events: [...app.events] },
      ...{ config: hookConfigBody(app), updated_at: at, created_at: at, app_id: APP_ID },
      deliveries_url: `${site.apiUrl}/app/hook/deliveries`,
    },
  };
}

export function hookConfigBody({ webhookUrl = "" }: App): Schemas["webhook-config"] {
  return { content_type: "json", insecure_ssl: "0", secret: "********", url: webhookUrl };
}

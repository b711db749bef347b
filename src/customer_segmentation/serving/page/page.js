// The page: loads the bundle and fills each section.

import { prepareAudience } from "./audience.js";
import { showCards } from "./cards.js";
import { make, problem, show } from "./elements.js";
import { prepareFiles } from "./files.js";
import { prepareFind } from "./find.js";
import { prepareLive } from "./live.js";
import { preparePlanner } from "./planner.js";
import { prepareProposal } from "./propose.js";
import { ask } from "./server.js";
import { WhatIf } from "./whatif.js";
import { day, useLabels } from "./words.js";

async function prepare() {
  const message = document.getElementById("segments-message");
  try {
    const bundle = await (await ask("v1/bundle")).json();
    useLabels(bundle);
    const names = Object.fromEntries(bundle.segments.map(({ key, name }) => [key, name]));
    const whatIf = new WhatIf(bundle, names);
    showCards(bundle, (key) => {
      whatIf.start(key);
      document.getElementById("what-if").scrollIntoView();
      document.querySelector(`#starts [data-key="${CSS.escape(key)}"]`).focus({ preventScroll: true });
    });
    prepareFind(names, bundle.decisions);
    prepareAudience(names);
    preparePlanner(names);
    const facts = [["Customers as of", day(bundle.as_of)], ["Artifact", bundle.artifact_version]];
    show(document.getElementById("provenance"), ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  } catch (error) {
    show(message, problem(error.message).firstChild);
    message.className = "problem";
    prepareFind({}, {});
    prepareAudience({});
    preparePlanner({});
  }
}

prepareFiles();
prepareProposal();
prepareLive();
prepare();

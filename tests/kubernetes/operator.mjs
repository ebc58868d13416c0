// Reads a resource of the Prometheus operator as JSON from standard input, and prints what its schema has against it.
// Wrong types are found, unknown fields are not.
import { readFileSync } from "node:fs";
import * as kinds from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const { kind, apiVersion: _, ...resource } = JSON.parse(readFileSync(0, "utf8"));
try {
  new kinds[kind](resource).validate();
} catch (error) {
  console.log(error.message);
}

// Calls the generated clients by the full name of a method; requests and answers are protobuf JSON.

import { create, type DescMethod, fromJson, mergeFromBinary, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { BadRequest, ErrorInfo, ResourceInfo } from "nice-grpc-error-details";
import { ApprovalService } from "../generated/tandem/authority/v1/approval_service_pb.js";
import { AuditService } from "../generated/tandem/authority/v1/audit_service_pb.js";
import { AuthorityService } from "../generated/tandem/authority/v1/authority_service_pb.js";
import { PlanService } from "../generated/tandem/authority/v1/plan_service_pb.js";
import { RolloutService } from "../generated/tandem/authority/v1/rollout_service_pb.js";
import { CollectionService } from "../generated/tandem/inventory/v1/collection_service_pb.js";
import { DeviceService } from "../generated/tandem/inventory/v1/device_service_pb.js";
import { HierarchyService } from "../generated/tandem/inventory/v1/hierarchy_service_pb.js";
import { TenantService } from "../generated/tandem/inventory/v1/tenant_service_pb.js";
import { MonitoringService } from "../generated/tandem/monitoring/v1/monitoring_service_pb.js";
import { CustomRuleService } from "../generated/tandem/prerequisites/v1/custom_rule_service_pb.js";
import { FleetEvaluationService } from "../generated/tandem/prerequisites/v1/fleet_evaluation_service_pb.js";
import { PrerequisitesService } from "../generated/tandem/prerequisites/v1/prerequisites_service_pb.js";
import type { Json } from "./expect.js";

const DEADLINE_MS = 30_000;
const SERVICES = [
  TenantService, HierarchyService, DeviceService, CollectionService, PrerequisitesService, FleetEvaluationService,
  CustomRuleService, AuditService, AuthorityService, PlanService, RolloutService,
  ApprovalService, MonitoringService,
];

// What every method of a generated client is, seen from here: requests are one message or a stream of them, answers likewise.
type Call = (request: Message | AsyncIterable<Message>, options: CallOptions) => Promise<Message> | AsyncIterable<Message>;

export class Clients {
  private readonly session: Http2SessionManager;
  private readonly methods = new Map<string, { method: DescMethod; call: Call }>();

  constructor(address: string, private readonly token: string) {
    const baseUrl = `http://${address}`;
    this.session = new Http2SessionManager(baseUrl);
    const transport = createGrpcTransport({ baseUrl, sessionManager: this.session, defaultTimeoutMs: DEADLINE_MS });
    for (const service of SERVICES) {
      const client = createClient(service, transport) as unknown as Record<string, Call>;
      for (const method of service.methods) {
        this.methods.set(`${service.typeName}/${method.name}`, { method, call: client[method.localName]! });
      }
    }
  }

  close(): void {
    this.session.abort();
  }

  // The answers to a call. Throws `ConnectError`.
  async ask(path: string, requests: Json[], withToken: boolean): Promise<Answers> {
    const found = this.methods.get(path);
    if (!found) {
      throw new Error(`the stubs have no ${path}`);
    }
    const { method, call } = found;
    const sent = requests.map((request) => fromJson(method.input, request));
    const streamed = method.methodKind === "bidi_streaming" || method.methodKind === "client_streaming";
    const headers: HeadersInit = withToken ? { authorization: `Bearer ${this.token}` } : {};
    const answer = call(streamed ? streamOf(sent) : sent[0]!, { headers });
    return new Answers(method, Symbol.asyncIterator in answer ? await collected(answer) : [await answer]);
  }
}

async function* streamOf(messages: Message[]): AsyncIterable<Message> {
  yield* messages;
}

async function collected(answers: AsyncIterable<Message>): Promise<Message[]> {
  const messages = [];
  for await (const message of answers) {
    messages.push(message);
  }
  return messages;
}

// The messages of one answer.
export class Answers {
  constructor(private readonly method: DescMethod, private readonly messages: Message[]) {}

  // Each message in protobuf's JSON mapping.
  each(): Json[] {
    return this.messages.map((message) => toJson(this.method.output, message));
  }

  // All messages of a stream in one.
  merged(): Json {
    const whole = create(this.method.output);
    for (const message of this.messages) {
      mergeFromBinary(this.method.output, whole, toBinary(this.method.output, message));
    }
    return toJson(this.method.output, whole);
  }
}

// What the suite says of an error: its code, and from its `google.rpc` details reason, fields and resource.
export function refusal(error: ConnectError): { [key: string]: Json } {
  // `NotFound` in Connect is `NOT_FOUND` elsewhere.
  const found: { [key: string]: Json } = { code: Code[error.code]!.replace(/(?!^)([A-Z])/g, "_$1").toUpperCase() };
  for (const detail of error.details) {
    if (!("type" in detail)) {
      continue;
    }
    if (detail.type === "google.rpc.ErrorInfo") {
      const { domain, reason } = ErrorInfo.decode(detail.value);
      Object.assign(found, { domain, reason });
    } else if (detail.type === "google.rpc.BadRequest") {
      found.fields = BadRequest.decode(detail.value).fieldViolations.map((violation) => violation.field);
    } else if (detail.type === "google.rpc.ResourceInfo") {
      found.resource = ResourceInfo.decode(detail.value).resourceName;
    }
  }
  return found;
}

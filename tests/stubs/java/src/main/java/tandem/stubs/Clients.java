package tandem.stubs;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.Status;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.AbstractAsyncStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tandem.authority.v1.ApprovalServiceGrpc;
import tandem.authority.v1.AuditServiceGrpc;
import tandem.authority.v1.AuthorityServiceGrpc;
import tandem.authority.v1.PlanServiceGrpc;
import tandem.authority.v1.RolloutServiceGrpc;
import tandem.inventory.v1.CollectionServiceGrpc;
import tandem.inventory.v1.DeviceServiceGrpc;
import tandem.inventory.v1.HierarchyServiceGrpc;
import tandem.inventory.v1.TenantServiceGrpc;
import tandem.monitoring.v1.MonitoringServiceGrpc;
import tandem.prerequisites.v1.CustomRuleServiceGrpc;
import tandem.prerequisites.v1.FleetEvaluationServiceGrpc;
import tandem.prerequisites.v1.PrerequisitesServiceGrpc;

/** Calls the generated clients by the full name of a method; requests and answers are protobuf JSON. */
final class Clients implements AutoCloseable {
  private static final long DEADLINE_SECONDS = 30;
  private static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ManagedChannel channel;
  private final Metadata credentials = new Metadata();
  private final Map<String, AbstractAsyncStub<?>> stubs = new HashMap<>();
  private final Map<String, MethodDescriptor<?, ?>> methods = new HashMap<>();

  Clients(String address, String token) {
    // No proxy: the address is the system's own.
    channel = NettyChannelBuilder.forTarget("dns:///" + address).proxyDetector(target -> null).usePlaintext().build();
    credentials.put(AUTHORIZATION, "Bearer " + token);
    add(TenantServiceGrpc.getServiceDescriptor(), TenantServiceGrpc.newStub(channel));
    add(HierarchyServiceGrpc.getServiceDescriptor(), HierarchyServiceGrpc.newStub(channel));
    add(DeviceServiceGrpc.getServiceDescriptor(), DeviceServiceGrpc.newStub(channel));
    add(CollectionServiceGrpc.getServiceDescriptor(), CollectionServiceGrpc.newStub(channel));
    add(PrerequisitesServiceGrpc.getServiceDescriptor(), PrerequisitesServiceGrpc.newStub(channel));
    add(FleetEvaluationServiceGrpc.getServiceDescriptor(), FleetEvaluationServiceGrpc.newStub(channel));
    add(CustomRuleServiceGrpc.getServiceDescriptor(), CustomRuleServiceGrpc.newStub(channel));
    add(AuditServiceGrpc.getServiceDescriptor(), AuditServiceGrpc.newStub(channel));
    add(PlanServiceGrpc.getServiceDescriptor(), PlanServiceGrpc.newStub(channel));
    add(RolloutServiceGrpc.getServiceDescriptor(), RolloutServiceGrpc.newStub(channel));
    add(ApprovalServiceGrpc.getServiceDescriptor(), ApprovalServiceGrpc.newStub(channel));
    add(AuthorityServiceGrpc.getServiceDescriptor(), AuthorityServiceGrpc.newStub(channel));
    add(MonitoringServiceGrpc.getServiceDescriptor(), MonitoringServiceGrpc.newStub(channel));
  }

  private void add(ServiceDescriptor service, AbstractAsyncStub<?> stub) {
    stubs.put(service.getName(), stub);
    service.getMethods().forEach(method -> methods.put(method.getFullMethodName(), method));
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** The answers to a call. An {@link ExecutionException} carries the server's refusal. */
  List<Message> ask(String path, JsonArray requests, boolean withToken)
      throws ReflectiveOperationException, InvalidProtocolBufferException, ExecutionException, InterruptedException, TimeoutException {
    MethodDescriptor<?, ?> method = methods.get(path);
    if (method == null) {
      throw new IllegalStateException("the stubs have no " + path);
    }
    List<Message> sent = new ArrayList<>();
    for (JsonElement request : requests) {
      sent.add(message(method, request));
    }
    AbstractAsyncStub<?> stub = stubs.get(method.getServiceName()).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    if (withToken) {
      stub = stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(credentials));
    }
    Collected collected = new Collected();
    start(method, stub, sent, collected);
    return collected.whole.get(2 * DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  /** Calls the stub's method of that name: {@code call(request, answers)}, or {@code requests = call(answers)} for a stream of them. */
  @SuppressWarnings("unchecked")
  private static void start(MethodDescriptor<?, ?> method, AbstractAsyncStub<?> stub, List<Message> sent, Collected answers)
      throws ReflectiveOperationException {
    String bare = method.getBareMethodName();
    String name = Character.toLowerCase(bare.charAt(0)) + bare.substring(1);
    if (method.getType().clientSendsOneMessage()) {
      stub.getClass().getMethod(name, sent.get(0).getClass(), StreamObserver.class).invoke(stub, sent.get(0), answers);
      return;
    }
    var requests = (StreamObserver<Message>) stub.getClass().getMethod(name, StreamObserver.class).invoke(stub, answers);
    sent.forEach(requests::onNext);
    requests.onCompleted();
  }

  private static Message message(MethodDescriptor<?, ?> method, JsonElement json) throws InvalidProtocolBufferException {
    var marshaller = (MethodDescriptor.PrototypeMarshaller<?>) method.getRequestMarshaller();
    Message.Builder builder = ((Message) marshaller.getMessagePrototype()).newBuilderForType();
    JsonFormat.parser().merge(json.toString(), builder);
    return builder.build();
  }

  /** All messages of a stream in one, in protobuf's JSON mapping. */
  static JsonElement merged(List<Message> messages) throws InvalidProtocolBufferException {
    if (messages.isEmpty()) {
      return new JsonObject();
    }
    Message.Builder whole = messages.get(0).newBuilderForType();
    messages.forEach(whole::mergeFrom);
    return json(whole.build());
  }

  static JsonElement json(Message message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(JsonFormat.printer().print(message));
  }

  /** What the suite says of an error: its code, and from its {@code google.rpc} details reason, fields and resource. */
  static JsonObject refusal(Throwable error) throws InvalidProtocolBufferException {
    Status status = StatusProto.fromThrowable(error);
    JsonObject found = new JsonObject();
    found.addProperty("code", status == null ? "UNKNOWN" : Code.forNumber(status.getCode()).name());
    for (Any detail : status == null ? List.<Any>of() : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        ErrorInfo info = detail.unpack(ErrorInfo.class);
        found.addProperty("domain", info.getDomain());
        found.addProperty("reason", info.getReason());
      } else if (detail.is(BadRequest.class)) {
        JsonArray fields = new JsonArray();
        detail.unpack(BadRequest.class).getFieldViolationsList().forEach(violation -> fields.add(violation.getField()));
        found.add("fields", fields);
      } else if (detail.is(ResourceInfo.class)) {
        found.addProperty("resource", detail.unpack(ResourceInfo.class).getResourceName());
      }
    }
    return found;
  }

  /** Collects the answers of one call. */
  private static final class Collected implements StreamObserver<Message> {
    private final List<Message> messages = new ArrayList<>();
    private final CompletableFuture<List<Message>> whole = new CompletableFuture<>();

    @Override
    public void onNext(Message message) {
      messages.add(message);
    }

    @Override
    public void onError(Throwable error) {
      whole.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      whole.complete(messages);
    }
  }
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	authority "tandem.example/stubs/generated/tandem/authority/v1"
	inventory "tandem.example/stubs/generated/tandem/inventory/v1"
	monitoring "tandem.example/stubs/generated/tandem/monitoring/v1"
	prerequisites "tandem.example/stubs/generated/tandem/prerequisites/v1"
)

const deadline = 30 * time.Second

// A generated client of each service, by the service's full name.
type clients struct {
	byService map[string]any
	token     string
}

func connect(address, token string) (*clients, error) {
	connection, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &clients{token: token, byService: map[string]any{
		inventory.TenantService_ServiceDesc.ServiceName:              inventory.NewTenantServiceClient(connection),
		inventory.HierarchyService_ServiceDesc.ServiceName:           inventory.NewHierarchyServiceClient(connection),
		inventory.DeviceService_ServiceDesc.ServiceName:              inventory.NewDeviceServiceClient(connection),
		inventory.CollectionService_ServiceDesc.ServiceName:          inventory.NewCollectionServiceClient(connection),
		prerequisites.PrerequisitesService_ServiceDesc.ServiceName:   prerequisites.NewPrerequisitesServiceClient(connection),
		prerequisites.FleetEvaluationService_ServiceDesc.ServiceName: prerequisites.NewFleetEvaluationServiceClient(connection),
		prerequisites.CustomRuleService_ServiceDesc.ServiceName:      prerequisites.NewCustomRuleServiceClient(connection),
		authority.AuditService_ServiceDesc.ServiceName:               authority.NewAuditServiceClient(connection),
		authority.PlanService_ServiceDesc.ServiceName:                authority.NewPlanServiceClient(connection),
		authority.RolloutService_ServiceDesc.ServiceName:             authority.NewRolloutServiceClient(connection),
		authority.ApprovalService_ServiceDesc.ServiceName:            authority.NewApprovalServiceClient(connection),
		authority.AuthorityService_ServiceDesc.ServiceName:           authority.NewAuthorityServiceClient(connection),
		monitoring.MonitoringService_ServiceDesc.ServiceName:         monitoring.NewMonitoringServiceClient(connection),
	}}, nil
}

// ask is the answers to a call. An error that is no status is a defect of the row or of the stubs.
func (c *clients) ask(path string, requests []any, withToken bool) ([]proto.Message, error) {
	service, methodName, _ := strings.Cut(path, "/")
	client, known := c.byService[service]
	if !known {
		return nil, fmt.Errorf("the stubs have no %s", service)
	}
	method := reflect.ValueOf(client).MethodByName(methodName)
	if !method.IsValid() {
		return nil, fmt.Errorf("the stubs have no %s", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if withToken {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
	}
	arguments := []reflect.Value{reflect.ValueOf(ctx)}
	// A method that takes no request is a stream of them: (context, options...).
	streamed := method.Type().NumIn() == 2
	if !streamed {
		request, err := parse(requests[0], method.Type().In(1))
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, request)
	}
	results := method.Call(arguments)
	if err, failed := results[1].Interface().(error); failed {
		return nil, err
	}
	if answer, unary := results[0].Interface().(proto.Message); unary {
		return []proto.Message{answer}, nil
	}
	if streamed {
		if err := send(results[0], requests); err != nil {
			return nil, err
		}
	}
	return receive(results[0])
}

// parse makes a message of the generated type from protobuf JSON.
func parse(request any, pointer reflect.Type) (reflect.Value, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return reflect.Value{}, err
	}
	message := reflect.New(pointer.Elem())
	return message, protojson.Unmarshal(text, message.Interface().(proto.Message))
}

// send sends every request and closes the sending side. That the server ended the call already is told by receiving.
func send(stream reflect.Value, requests []any) error {
	method := stream.MethodByName("Send")
	for _, each := range requests {
		request, err := parse(each, method.Type().In(0))
		if err != nil {
			return err
		}
		err, failed := method.Call([]reflect.Value{request})[0].Interface().(error)
		if failed && errors.Is(err, io.EOF) {
			return nil
		}
		if failed {
			return err
		}
	}
	return stream.Interface().(grpc.ClientStream).CloseSend()
}

func receive(stream reflect.Value) ([]proto.Message, error) {
	method := stream.MethodByName("Recv")
	answers := []proto.Message{}
	for {
		results := method.Call(nil)
		if err, failed := results[1].Interface().(error); failed {
			if errors.Is(err, io.EOF) {
				return answers, nil
			}
			return nil, err
		}
		answers = append(answers, results[0].Interface().(proto.Message))
	}
}

// merged is all messages of a stream in one.
func merged(messages []proto.Message) proto.Message {
	whole := messages[0]
	for _, message := range messages[1:] {
		proto.Merge(whole, message)
	}
	return whole
}

// asJSON is a message in protobuf's JSON mapping.
func asJSON(message proto.Message) (any, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	var value any
	err = json.Unmarshal(text, &value)
	return value, err
}

// refusal is what the suite says of an error: its code, and from its `google.rpc` details reason, fields and resource.
func refusal(answer *status.Status) map[string]any {
	found := map[string]any{"code": code.Code_name[int32(answer.Code())]}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			found["domain"], found["reason"] = detail.Domain, detail.Reason
		case *errdetails.BadRequest:
			fields := []any{}
			for _, violation := range detail.FieldViolations {
				fields = append(fields, violation.Field)
			}
			found["fields"] = fields
		case *errdetails.ResourceInfo:
			found["resource"] = detail.ResourceName
		}
	}
	return found
}
